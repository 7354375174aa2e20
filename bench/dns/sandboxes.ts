/** A thousand sandboxes with a resolver each: memory, and what of an attach making the resolver takes. */
import { type Report, Times } from "../support/figures.ts";
import { container, CONTAINERS, Dnsd, nameOf, PORT } from "./dnsd.ts";
import { load, questions } from "./load.ts";
import { Namespaces } from "./namespaces.ts";

const MEASURED = 200;
const HOW = { seconds: 3 } as const;

export async function sandboxes(report: Report): Promise<void> {
	await using namespaces = new Namespaces();
	const places = Array.from({ length: CONTAINERS }, () => namespaces.create(PORT));
	await using dnsd = await Dnsd.start([container(0, places[0])]);
	const [opened, closed, floor] = [new Times(), new Times(), new Times()];
	// A change that opens nothing: what the call itself takes.
	for (let i = 0; i < MEASURED; i++) await floor.of(() => dnsd.put(container(CONTAINERS + (i % 2))));
	for (let i = 1; i < CONTAINERS; i++) await opened.of(() => dnsd.put(container(i, places[i])));
	const file = questions(namespaces);
	await load(namespaces, places[0] ?? "", file, HOW);
	report({
		figure: `memory with ${CONTAINERS} sandboxes, after a load`,
		ours: `${dnsd.residentMb().toFixed(0)} MB`,
		aim: "<= 200 MB",
		beside: "",
	});
	for (let i = CONTAINERS - MEASURED; i < CONTAINERS; i++) await closed.of(() => dnsd.remove(`s-${nameOf(i)}`));
	report({
		figure: "making a resolver, from netd's word to its acknowledgement",
		ours: `${opened}`,
		aim: "<= 1 ms",
		beside: `a change without sockets: ${floor}; closing: ${closed}`,
	});
}
