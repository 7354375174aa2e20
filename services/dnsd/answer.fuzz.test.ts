/**
 * Any bytes at all: no throw, at most one answer, never longer than the client takes, always a response with the query's id.
 * `WHARF_FUZZ_ROUNDS` and `WHARF_FUZZ_SEED` make it longer and repeat it.
 */
import { expect, it } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { answer, type Transport } from "./answer.ts";
import { encodeQuery } from "./codec.ts";
import { FLAG, TYPE } from "./protocol.ts";
import { Zone } from "./zone.ts";

const ROUNDS = Number(process.env["WHARF_FUZZ_ROUNDS"] ?? 100_000);
const SEED = Number(process.env["WHARF_FUZZ_SEED"] ?? Date.now() % 2 ** 31);

/** mulberry32. */
function numbers(seed: number): (below: number) => number {
	let state = seed;
	return (below) => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
	};
}

const addresses = Array.from({ length: 90 }, (_, i) => Ip.parse(`10.0.0.${i + 1}`));
const leg = { endpointId: "e", networkId: "n", networkName: "net", addresses, aliases: ["pool"] };
const zone = Zone.empty(5).with({
	id: "s",
	netnsPath: "",
	name: "web",
	owner: "0123456789abcdef",
	hostname: "",
	resolverPort: 1,
	dnsServers: [],
	forwards: true,
	legs: [leg],
});

it(`answers any bytes with one packet that is due, or none (seed ${SEED})`, { timeout: 60_000 + ROUNDS }, () => {
	const next = numbers(SEED);
	const names = ["web", "pool.net", "nothing.net", "example.com", "1.0.0.10.in-addr.arpa", "x".repeat(63)];
	const types = [TYPE.A, TYPE.AAAA, TYPE.PTR, TYPE.ANY, TYPE.SRV, TYPE.AXFR];
	const opt = Buffer.from([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);

	const packetOf = (): Buffer => {
		if (next(4) === 0) return Buffer.from(Array.from({ length: next(600) }, () => next(256)));
		const query = encodeQuery(next(65_536), names[next(names.length)] ?? "web", types[next(types.length)] ?? TYPE.A);
		let packet = Buffer.from(query);
		if (next(2) === 0) {
			packet = Buffer.concat([packet, opt]);
			packet.writeUInt16BE(1, 10);
		}
		for (let i = next(5); i > 0; i--) packet[next(packet.length)] = next(256);
		return next(5) === 0 ? packet.subarray(0, next(packet.length + 1)) : packet;
	};

	const problems: string[] = [];
	for (let round = 0; round < ROUNDS; round++) {
		const packet = packetOf();
		const before = Buffer.from(packet);
		const transport: Transport = next(2) === 0 ? "udp" : "tcp";
		const forwards = next(2) === 0;
		const outcome = answer(packet, { ttlSeconds: 5, forwards, lookUp: (key) => zone.lookUp("s", key) }, transport);
		const broken = packet.equals(before) ? problemOf(outcome, packet, transport) : "the query was changed";
		if (broken !== undefined) problems.push(`${broken}: round ${round}, ${transport}, ${before.toString("hex")}`);
	}
	expect(problems).toEqual([]);
});

function problemOf(outcome: ReturnType<typeof answer>, query: Buffer, transport: Transport): string | undefined {
	const isQuery = query.length >= 12 && (query.readUInt16BE(2) & FLAG.response) === 0;
	if ((outcome.kind !== "ignore") !== isQuery) return `${outcome.kind} to ${isQuery ? "a query" : "what is none"}`;
	if (outcome.kind !== "answer") return undefined;
	const { packet } = outcome;
	if (packet.readUInt16BE(0) !== query.readUInt16BE(0)) return "another id";
	if ((packet.readUInt16BE(2) & FLAG.response) === 0) return "not a response";
	if (transport === "udp" && packet.length > 4096) return "longer than any client was promised";
	if (transport === "udp" && query.readUInt16BE(10) === 0 && packet.length > 512) return "longer than 512 without EDNS";
	return undefined;
}
