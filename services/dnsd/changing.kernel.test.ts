/** A container that comes, moves and goes while it is asked for: each answer was true at some moment of its query. */
import { createSocket } from "node:dgram";
import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, it } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { encodeQuery, readAnswer } from "./codec.ts";
import { TYPE } from "./protocol.ts";
import { RESOLVER_PORT, resolverOver, sandbox } from "./test-support/resolver.ts";
import { RESOLVER } from "./test-support/scratch.ts";

const QUERIES = 20_000;
const ON_THEIR_WAY = 50;
const OWN_NAMESPACE = "/proc/self/ns/net";
const NOBODY = "NXDOMAIN";

it("each answer was true at some moment of its query", async () => {
	const resolver = resolverOver();
	await resolver.put(sandbox(OWN_NAMESPACE, { forwards: false }));
	/** What was true, one after the other; the last is true now. */
	const truths = [NOBODY];
	const asked = new Map<number, number>();
	const wrong: string[] = [];
	const seen = new Set<string>();
	let sent = 0;
	const allSent = new AbortController();

	const client = createSocket("udp4");
	const ask = (): void => {
		const id = sent++ % 0x1_0000;
		asked.set(id, truths.length - 1);
		client.send(encodeQuery(id, "mover", TYPE.A), RESOLVER_PORT, RESOLVER);
	};
	const done = new Promise<void>((resolve) => {
		client.on("message", (packet) => {
			const id = packet.readUInt16BE(0);
			const { code, data } = readAnswer(packet);
			const said = data[0] ?? code;
			const possible = truths.slice(asked.get(id));
			if (!possible.includes(said)) wrong.push(`${said} is none of ${possible.join(", ")}`);
			seen.add(said);
			asked.delete(id);
			if (sent < QUERIES) ask();
			else allSent.abort();
			if (asked.size === 0) resolve();
		});
	});
	for (let i = 0; i < ON_THEIR_WAY; i++) ask();
	for (let change = 0; !allSent.signal.aborted; change++) {
		const address = `172.18.${(change >> 6) % 256}.${(change % 64) + 1}`;
		const leg = {
			endpointId: "m",
			networkId: "n",
			networkName: "frontend",
			addresses: [Ip.parse(address)],
			aliases: [],
		};
		// It is true from the call on, not only when it has resolved.
		truths.push(change % 4 === 3 ? NOBODY : address);
		if (change % 4 === 3) await resolver.remove("mover");
		else
			await resolver.put(
				sandbox("", { id: "mover", name: "mover", owner: "mover", hostname: "", resolverPort: 0, legs: [leg] }),
			);
		for (let turn = 0; turn < 3; turn++) await nextTurn();
	}
	await done;
	client.close();
	expect(wrong).toEqual([]);
	expect(seen.size).toBeGreaterThan(50);
});
