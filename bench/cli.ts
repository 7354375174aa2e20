/**
 * Start to end of commands, as a person waits for them, beside the start of the bare Node that runs them. Prints only; medians.
 *
 * The host is played by namespaces, so a command is started through nsenter(1): a millisecond of each figure is that.
 */
import { Host } from "../test/support/host.ts";
import { median } from "./support/figures.ts";

const ROUNDS = 15;

await using host = await Host.boot();
await host.wharfOk("up", "--quiet");

const CASES = {
	"node -e 0": () => host.ok(process.execPath, ["-e", "0"]),
	"wharf --version": () => host.wharfOk("--version"),
	"wharf network ls": () => host.wharfOk("network", "ls"),
	"wharf ps": () => host.wharfOk("ps"),
	"wharf run --rm host true": () => host.wharfOk("run", "--rm", "host", "true"),
	"wharf run --rm --network none host true": () => host.wharfOk("run", "--rm", "--network", "none", "host", "true"),
};

try {
	// The first of each fills the compile cache and is not counted; then all alternate.
	const times = new Map<string, number[]>();
	for (let round = 0; round <= ROUNDS; round++) {
		for (const [name, body] of Object.entries(CASES)) {
			const startedAt = performance.now();
			await body();
			const list = times.get(name) ?? [];
			times.set(name, list);
			if (round > 0) list.push(performance.now() - startedAt);
		}
	}
	for (const [name, list] of times) console.log(`${name.padEnd(42)} ${median(list).toFixed(0).padStart(5)} ms`);
	console.log(`medians of ${ROUNDS} alternating runs`);
} finally {
	await host.wharfOk("down", "--all");
}
