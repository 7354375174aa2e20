/** How long a query takes at 10,000 a second. */
import { type Report, Times } from "../support/figures.ts";
import { containers, CONTAINERS, Dnsd, PORT } from "./dnsd.ts";
import { latencies, questions } from "./load.ts";
import { Namespaces } from "./namespaces.ts";
import { dnsmasq } from "./peers.ts";

const HOW = { seconds: 5, perSecond: 10_000 } as const;
const ROUNDS = 3;

export async function paced(report: Report): Promise<void> {
	await using namespaces = new Namespaces();
	const inside = namespaces.create(PORT);
	await using _dnsd = await Dnsd.start(containers(inside));
	const peer = await dnsmasq(namespaces, namespaces.create(), CONTAINERS);
	const file = questions(namespaces);
	const [ours, theirs] = [new Times(), new Times()];
	for (let round = 0; round < ROUNDS; round++) {
		ours.add(await latencies(namespaces, inside, file, HOW));
		theirs.add(await latencies(namespaces, peer.netns, file, HOW));
	}
	report({ figure: "a query at 10,000 a second", ours: `${ours}`, aim: "p99 1 ms", beside: `dnsmasq: ${theirs}` });
}
