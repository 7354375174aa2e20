import { Packet } from "dns2";
import { describe, expect, it } from "vitest";
import { FLAG, TYPE } from "../protocol.ts";
import { packetThat, query, type Says } from "../test-support/messages.ts";
import { isAnswerTo, requestOf } from "./request.ts";
import { parseResponse } from "./response.ts";

const plain = query("example.com");
const extended = query("example.com", { edns: true });
const OPT = Buffer.from([0, 0, 41, 0x02, 0x00, 0, 0, 0, 0, 0, 0]);

function withOpt(packet: Buffer, opt: Buffer = OPT): Buffer {
	const longer = Buffer.concat([packet, opt]);
	longer.writeUInt16BE(packet.readUInt16BE(10) + 1, 10);
	return longer;
}

describe("for how long an answer is kept", () => {
	const rows: readonly (readonly [string, Says, number])[] = [
		["the least TTL", { ttls: [300, 60, 90] }, 60],
		["not at all with a TTL of 0", { ttls: [300, 0] }, 0],
		["NXDOMAIN: the SOA's last field (RFC 2308 §5)", { rcode: 3, soa: { ttl: 900, minimum: 30 } }, 30],
		["no data: the SOA's TTL when that is less", { soa: { ttl: 20, minimum: 30 } }, 20],
		["an alias of nothing: the SOA as well", { ttls: [300], soa: { ttl: 90, minimum: 40 } }, 40],
		["NXDOMAIN without an SOA: not at all", { rcode: 3 }, 0],
		["NXDOMAIN behind an alias without an SOA: not at all", { rcode: 3, ttls: [300] }, 0],
		["no data without an SOA: not at all", {}, 0],
	];
	it.each(rows)("%s", (_, says, seconds) => expect(parseResponse(packetThat(says), plain)?.keepSeconds).toBe(seconds));

	it("not at all with a TTL beyond 31 bits, and that is told as 0 (RFC 2181 §8)", () => {
		const packet = packetThat({ ttls: [300, 60] });
		packet.writeUInt32BE(0x8000_0000, packet.length - 10);
		const response = parseResponse(packet, plain);
		expect(response?.keepSeconds).toBe(0);
		expect(Packet.parse(response?.packet ?? Buffer.alloc(0)).answers.map(({ ttl }) => ttl)).toEqual([300, 0]);
	});

	it("and what it says of an absence is found", () => {
		const response = parseResponse(packetThat({ rcode: 3, soa: { ttl: 900, minimum: 30 } }), plain);
		const { ttlAt = 0, minimumAt = 0 } = response?.absence ?? {};
		expect([response?.packet.readUInt32BE(ttlAt), response?.packet.readUInt32BE(minimumAt)]).toEqual([900, 30]);
		expect(parseResponse(packetThat({ ttls: [60] }), plain)?.absence).toBeUndefined();
	});
});

describe("what is given of an answer", () => {
	it("is not what an upstream has authority over, and whether it was verified only where that was asked", () => {
		const packet = packetThat({ ttls: [60], authoritative: true });
		packet.writeUInt16BE(packet.readUInt16BE(2) | FLAG.authenticData | 0x0040, 2);
		const bare = FLAG.response | FLAG.recursionAvailable;
		const flagsFor = (form: typeof plain) => parseResponse(packet, form)?.packet.readUInt16BE(2);
		expect(flagsFor(plain)).toBe(bare);
		expect(flagsFor(query("example.com", { flags: FLAG.authenticData }))).toBe(bare | FLAG.authenticData);
		expect(flagsFor(query("example.com", { edns: true, dnssecOk: true }))).toBe(bare | FLAG.authenticData);
	});

	it("has an OPT record with our size exactly where the question had one (RFC 6891 §6.1.1)", () => {
		const packet = packetThat({ ttls: [60] });
		for (const said of [packet, withOpt(packet)]) {
			const { additionals } = Packet.parse(parseResponse(said, extended)?.packet ?? Buffer.alloc(0));
			expect(additionals).toMatchObject([{ type: TYPE.OPT, class: 4096 }]);
			const without = Packet.parse(parseResponse(said, plain)?.packet ?? Buffer.alloc(0));
			expect([without.additionals, without.answers.length]).toEqual([[], 1]);
		}
	});

	it("is nothing when the code is an error, in the header or beyond it", () => {
		expect(parseResponse(packetThat({ rcode: 2 }), plain)).toBeUndefined();
		const badVersion = Buffer.from(OPT);
		badVersion[5] = 1;
		expect(parseResponse(withOpt(packetThat({ ttls: [60] }), badVersion), extended)).toBeUndefined();
	});

	it("is nothing when it is malformed", () => {
		const whole = packetThat({ ttls: [60, 60] });
		for (let length = 12; length < whole.length; length++) {
			expect(parseResponse(whole.subarray(0, length), plain)).toBeUndefined();
		}
		expect(parseResponse(withOpt(withOpt(whole)), extended)).toBeUndefined();
	});
});

it("reads any bytes without a throw, and never past their end", { timeout: 30_000 }, () => {
	const whole = withOpt(packetThat({ ttls: [60, 60], soa: { ttl: 20, minimum: 30 } }));
	const request = requestOf(plain, { id: 0x2222, edns: false, randomCase: false });
	let seed = 1;
	const next = (below: number): number => {
		seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff;
		return (seed >>> 8) % below;
	};
	let good = 0;
	for (let round = 0; round < 20_000; round++) {
		const packet = Buffer.from(next(4) > 0 ? whole : whole.subarray(0, 12 + next(whole.length - 11)));
		for (let i = next(6); i > 0; i--) packet[4 + next(packet.length - 4)] = next(256);
		if (!isAnswerTo(request, packet)) continue;
		const read = parseResponse(packet, next(2) === 0 ? plain : extended);
		if (read === undefined) continue;
		good += 1;
		expect(read.ttlOffsets.every((offset) => offset + 4 <= read.packet.length)).toBe(true);
		expect((read.absence?.minimumAt ?? 0) + 4).toBeLessThanOrEqual(read.packet.length);
	}
	expect(good).toBeGreaterThan(1_000);
});
