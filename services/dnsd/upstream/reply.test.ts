import { Packet } from "dns2";
import { describe, expect, it } from "vitest";
import { FLAG, TYPE } from "../protocol.ts";
import { query, responseThat } from "../test-support/messages.ts";
import { replyTo, type Validity } from "./reply.ts";

const FRESH: Validity = {
	ageSeconds: 0,
	mostSeconds: Number.POSITIVE_INFINITY,
	mostNegativeSeconds: Number.POSITIVE_INFINITY,
};
const many = Array.from({ length: 60 }, () => 60);

describe("what a client gets", () => {
	it("has its id, its spelling and its bits, and the rest as it came", () => {
		const asked = query("eXample.COM", { flags: FLAG.checkingDisabled });
		const reply = replyTo(asked, responseThat({ ttls: [60] }), "udp", FRESH);
		const { header, questions, answers } = Packet.parse(reply);
		expect(header).toMatchObject({ id: 0x1111, qr: 1, aa: 0, rd: 1, ra: 1, rcode: 0 });
		expect(reply.readUInt16BE(2) & FLAG.checkingDisabled).not.toBe(0);
		expect([questions[0]?.name, answers[0]?.name]).toEqual(["eXample.COM", "eXample.COM"]);
		expect(answers).toMatchObject([{ address: "192.0.2.1", ttl: 60 }]);
		const other = replyTo(query("example.com"), responseThat({ ttls: [60] }), "udp", FRESH);
		expect(other.readUInt16BE(2) & FLAG.checkingDisabled).toBe(0);
	});

	it("leaves what is kept as it is", () => {
		const kept = responseThat({ ttls: [60] });
		const before = Buffer.from(kept.packet);
		replyTo(query("eXample.COM"), kept, "udp", { ...FRESH, ageSeconds: 10 }).fill(0);
		expect(kept.packet).toEqual(before);
	});

	it("has what is left of the TTLs, never less than nothing, and no more than the most", () => {
		const ttls = (validity: Partial<Validity>) =>
			Packet.parse(
				replyTo(query("example.com"), responseThat({ ttls: [100_000, 60, 5] }), "udp", { ...FRESH, ...validity }),
			).answers.map(({ ttl }) => ttl);
		expect(ttls({ ageSeconds: 12 })).toEqual([99_988, 48, 0]);
		expect(ttls({ mostSeconds: 30 })).toEqual([30, 30, 5]);
	});

	it("tells of an absence no longer than may be, counted from when it was said", () => {
		const absence = responseThat({ rcode: 3, soa: { ttl: 900, minimum: 600 } });
		const told = (validity: Partial<Validity>) => {
			const reply = replyTo(query("example.com"), absence, "udp", { ...FRESH, ...validity });
			const [soa] = Packet.parse(reply).authorities;
			return [soa?.ttl, reply.readUInt32BE(absence.absence?.minimumAt ?? 0)];
		};
		expect(told({})).toEqual([900, 600]);
		expect(told({ mostNegativeSeconds: 5 })).toEqual([5, 5]);
		expect(told({ mostNegativeSeconds: 5, ageSeconds: 3 })).toEqual([2, 5]);
		expect(told({ mostNegativeSeconds: 1_000, ageSeconds: 3 })).toEqual([897, 600]);
		expect(told({ mostSeconds: 30, mostNegativeSeconds: 5 })).toEqual([5, 5]);
		const present = replyTo(query("example.com"), responseThat({ ttls: [60] }), "udp", {
			...FRESH,
			mostNegativeSeconds: 5,
		});
		expect(Packet.parse(present).answers[0]?.ttl).toBe(60);
	});

	it("is cut to whole records when it is longer than the client takes", () => {
		const long = responseThat({ ttls: many, soa: { ttl: 1, minimum: 1 } });
		const cut = replyTo(query("example.com"), long, "udp", { ...FRESH, ageSeconds: 10 });
		expect(cut.length).toBeLessThanOrEqual(512);
		const { header, answers, authorities } = Packet.parse(cut);
		expect(header).toMatchObject({ id: 0x1111, tc: 1, qdcount: 1 });
		expect(answers.length).toBe(Math.floor((512 - 29) / 16));
		expect(answers.at(-1)).toMatchObject({ name: "example.com", ttl: 50, address: `192.0.2.${answers.length}` });
		expect(authorities).toEqual([]);
		expect(replyTo(query("example.com"), long, "tcp", FRESH).length).toBe(long.packet.length);
	});

	it("is cut with room for the OPT record, and not for a client that takes it", () => {
		const asks = { edns: true, udpBytes: 600 };
		const long = responseThat({ ttls: many }, asks);
		const cut = replyTo(query("example.com", asks), long, "udp", FRESH);
		expect(cut.length).toBeLessThanOrEqual(600);
		expect(Packet.parse(cut)).toMatchObject({ header: { tc: 1, arcount: 1 }, additionals: [{ type: TYPE.OPT }] });
		const takes = query("example.com", { edns: true, udpBytes: 4096 });
		expect(replyTo(takes, long, "udp", FRESH).length).toBe(long.packet.length);
	});
});
