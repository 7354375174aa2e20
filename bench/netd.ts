/**
 * netd against what it is to reach, and beside what users would run instead where that is installed (`bench/setup-peers`): a table
 * for docs/benchmarks.md. `npm run bench -- netd` has all of it; WHARF_BENCH_ROWS=connects,ports some.
 *
 * Every part has real services of its own in this network namespace, which plays the host. Prints only.
 */
import { atOnce, connects, oneBridge } from "./netd/connects.ts";
import { ports } from "./netd/ports.ts";
import { connections, throughputs } from "./netd/traffic.ts";
import { peers } from "./netd/peers.ts";
import { printParts, type Report } from "./support/figures.ts";

const PARTS: Readonly<Record<string, (report: Report) => Promise<void>>> = {
	connects,
	oneBridge,
	atOnce,
	ports,
	throughputs,
	connections,
	peers,
};

const wanted = process.env["WHARF_BENCH_ROWS"]?.split(",") ?? Object.keys(PARTS);
const parts = wanted.map((name) => {
	const part = PARTS[name];
	if (part === undefined) throw new Error(`there is no part ${name}; there are ${Object.keys(PARTS).join(", ")}`);
	return part;
});
await printParts("netd", parts);
