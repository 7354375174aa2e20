/** Local names while fifty containers a second come and go, with their sandboxes. */
import { setTimeout as sleep } from "node:timers/promises";
import { median, type Report, Times } from "../support/figures.ts";
import { container, containers, CONTAINERS, Dnsd, PORT } from "./dnsd.ts";
import { load, questions } from "./load.ts";
import { Namespaces } from "./namespaces.ts";

const ROUNDS = 5;
const HOW = { seconds: 3 } as const;
const POOL = 50;
const APART_MS = 20;

export async function changing(report: Report): Promise<void> {
	await using namespaces = new Namespaces();
	const inside = namespaces.create(PORT);
	const pool = Array.from({ length: POOL }, () => namespaces.create(PORT));
	await using dnsd = await Dnsd.start(containers(inside));
	const file = questions(namespaces);
	const [quiet, busy]: [number[], number[]] = [[], []];
	const changes = new Times();
	let changed = 0;
	for (let round = 0; round < ROUNDS; round++) {
		quiet.push(await load(namespaces, inside, file, HOW));
		const done = new AbortController();
		const coming = comeAndGo(dnsd, pool, changes, done.signal);
		busy.push(await load(namespaces, inside, file, HOW));
		done.abort();
		changed += await coming;
	}
	const perSecond = changed / (ROUNDS * HOW.seconds);
	report({
		figure: `local names while ${perSecond.toFixed(0)} containers a second come and go, queries a second`,
		ours: `${Math.round(median(busy))}, ${(median(busy) / median(quiet)).toFixed(2)}x of the quiet`,
		aim: ">= 0.8x",
		beside: `quiet: ${Math.round(median(quiet))}; a change is acknowledged after ${changes}`,
	});
}

/** One comes and the one that came first goes, every twentieth of a second; how many came. */
async function comeAndGo(dnsd: Dnsd, pool: readonly string[], changes: Times, signal: AbortSignal): Promise<number> {
	let count = 0;
	const there: string[] = [];
	for (let next = performance.now(); !signal.aborted; next += APART_MS) {
		const sandbox = container(CONTAINERS + count, pool[count % pool.length]);
		count += 1;
		there.push(sandbox.sandboxId);
		await changes.of(() => dnsd.put(sandbox));
		if (there.length > pool.length / 2) await dnsd.remove(there.shift() ?? "");
		await sleep(Math.max(0, next + APART_MS - performance.now()));
	}
	for (const id of there) await dnsd.remove(id);
	return count;
}
