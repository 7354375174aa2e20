/** Packets to fuzz with: those of a corpus changed a little or much, good ones in all variations, and bytes without sense. */
import { type EdnsAsked, optionOf, queryOf, type TypeName } from "./ask.ts";
import { QUERIES, RESPONSES, type Sample } from "./corpus.ts";

/** A whole number from 0 up to, and without, `end`; a seed repeats them. */
export type Below = (end: number) => number;

/** Always the same with the same seed (mulberry32). */
export function numbers(seed: number): Below {
	let state = seed;
	return (below) => {
		state = (state + 0x6d2b79f5) | 0;
		let t = Math.imul(state ^ (state >>> 15), 1 | state);
		t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
		return Math.floor((((t ^ (t >>> 14)) >>> 0) / 4_294_967_296) * below);
	};
}

const NAMES = [
	"web",
	"web.frontend",
	"wWw.BACK",
	"six",
	"pool",
	"both",
	"nothing",
	"nothing.frontend",
	"frontend",
	"example.com",
	"",
	"2.0.18.172.in-addr.arpa",
	`2.${"0.".repeat(29)}D.F.ip6.arpa`,
	"18.172.in-addr.arpa",
	"x".repeat(63),
	"caf\xe9.frontend",
];
const TYPES: readonly TypeName[] = ["A", "AAAA", "PTR", "ANY", "SRV", "HTTPS", "MX", "AXFR", "TSIG", "SOA"];
/** Where bounds are. */
const WORDS = [0, 1, 2, 0x29, 0xff, 0x100, 511, 512, 513, 1232, 4095, 4096, 0x7fff, 0x8000, 0xc00c, 0xfffe, 0xffff];

function pick<T>(below: Below, choices: readonly T[]): T {
	const choice = choices[below(choices.length)];
	if (choice === undefined) throw new Error("nothing to pick from");
	return choice;
}

export function anyQuery(below: Below): Buffer {
	const kind = below(8);
	if (kind === 0) return bytesOf(below, below(600));
	if (kind === 1) return Buffer.concat([queryOf({ name: "" }).subarray(0, 12), bytesOf(below, below(300))]);
	if (kind < 4) return goodQuery(below);
	const seed = below(3) === 0 ? goodQuery(below) : pick(below, QUERIES).packet;
	return changed(below, seed, () => pick(below, QUERIES).packet);
}

/** Between samples of the corpus there are as many that nobody has changed. */
export function anyResponse(below: Below): { readonly sample: Sample; readonly response: Buffer } {
	const sample = pick(below, RESPONSES);
	const response = below(16) === 0 ? bytesOf(below, below(600)) : sample.packet;
	const another = (): Buffer => pick(below, RESPONSES).packet;
	return { sample, response: below(8) === 0 ? response : changed(below, response, another) };
}

function goodQuery(below: Below): Buffer {
	// The crowd's is a long answer: seldom.
	const name = below(100) === 0 ? "crowd" : pick(below, NAMES);
	const edns = below(2) === 0 ? [] : [anyEdns(below)];
	return queryOf({ id: below(0x1_0000), name, type: pick(below, TYPES), flags: below(4) * 0x0110, edns });
}

function anyEdns(below: Below): EdnsAsked {
	const options = below(3) === 0 ? { options: optionOf(pick(below, WORDS), bytesOf(below, below(40))) } : {};
	return { udpBytes: pick(below, WORDS), version: below(20) === 0 ? 1 : 0, dnssecOk: below(2) === 0, ...options };
}

function bytesOf(below: Below, length: number): Buffer {
	const bytes = Buffer.alloc(length);
	for (let i = 0; i < length; i++) bytes[i] = below(256);
	return bytes;
}

/** One to six changes: a bit, a byte, a word, a part gone, a part twice, another packet's end. The seed stays as it is. */
function changed(below: Below, seed: Buffer, another: () => Buffer): Buffer {
	let packet: Buffer = Buffer.from(seed);
	for (let i = 1 + below(6); i > 0; i--) packet = changedOnce(below, packet, another);
	return packet;
}

function changedOnce(below: Below, packet: Buffer, another: () => Buffer): Buffer {
	const at = below(packet.length + 1);
	const end = at + below(packet.length + 1 - at);
	switch (below(8)) {
		case 0:
			packet[at] = (packet[at] ?? 0) ^ (1 << below(8));
			return packet;
		case 1:
			packet[at] = below(256);
			return packet;
		case 2:
			if (at + 2 <= packet.length) packet.writeUInt16BE(pick(below, WORDS), at);
			return packet;
		case 3:
			// One of the header's words.
			if (packet.length >= 12) packet.writeUInt16BE(pick(below, WORDS), 2 * below(6));
			return packet;
		case 4:
			return packet.subarray(0, at);
		case 5:
			return Buffer.concat([packet.subarray(0, at), packet.subarray(end)]);
		case 6:
			return Buffer.concat([packet.subarray(0, end), packet.subarray(at)]);
		default: {
			const other = another();
			return Buffer.concat([packet.subarray(0, at), other.subarray(below(other.length + 1))]);
		}
	}
}
