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
import { printParts } from "./support/figures.ts";

await printParts("netd", { connects, oneBridge, throughputs, ports, connections, atOnce, peers });
