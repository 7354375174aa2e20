import { Packet } from "dns2";
import { describe, expect, it } from "vitest";
import { encodeQuery } from "../codec.ts";
import { FLAG, TYPE } from "../protocol.ts";
import { packetThat, query } from "../test-support/messages.ts";
import { isAnswerTo, lasting, requestOf, sameQuestion } from "./request.ts";

const plain = { id: 0x2222, edns: false, randomCase: false };

describe("a request", () => {
	it("has the question byte for byte, its own id, and no EDNS where none is wanted", () => {
		expect(Packet.parse(requestOf(query("ExAmple.com", { edns: true }), plain))).toMatchObject({
			header: { id: 0x2222, qr: 0, rd: 1, qdcount: 1, arcount: 0 },
			questions: [{ name: "ExAmple.com", type: TYPE.A, class: 1 }],
		});
	});

	it("says with EDNS what we take and whether signatures are wanted, and never what the client has for us", () => {
		const cookie = Buffer.from([0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
		const asked = query("example.com", { edns: true, udpBytes: 4096, options: cookie });
		expect(Packet.parse(requestOf(asked, { ...plain, edns: true })).additionals).toMatchObject([
			{ type: TYPE.OPT, class: 1232, ttl: 0 },
		]);
		expect(requestOf(asked, { ...plain, edns: true }).length).toBe(asked.questionEnd + 11);
		const signed = requestOf(query("example.com", { edns: true, dnssecOk: true }), { ...plain, edns: true });
		expect(Packet.parse(signed).additionals).toMatchObject([{ ttl: 0x8000 }]);
	});

	it("passes on AD and CD, and nothing else of the header", () => {
		const everything = FLAG.authoritative | FLAG.truncated | FLAG.recursionAvailable | FLAG.rcode | 0x0040;
		const asked = query("example.com", { flags: everything | FLAG.authenticData | FLAG.checkingDisabled });
		const flags = FLAG.recursionDesired | FLAG.authenticData | FLAG.checkingDisabled;
		expect(requestOf(asked, plain).readUInt16BE(2)).toBe(flags);
		expect(requestOf(query("example.com"), plain).readUInt16BE(2)).toBe(FLAG.recursionDesired);
	});

	it("has letters in random case where that is wanted, and everything else as it was", () => {
		const name = "a-1.Quite-Long.name-with.many.letters.example.com";
		const asked = query(name);
		const spellings = Array.from({ length: 20 }, () => requestOf(asked, { ...plain, randomCase: true }));
		const names = spellings.map((request) => Packet.parse(request).questions[0]?.name ?? "");
		expect(new Set(names).size).toBeGreaterThan(15);
		expect(new Set(names.map((spelled) => spelled.toLowerCase()))).toEqual(new Set([name.toLowerCase()]));
		for (const request of spellings) {
			expect(request.subarray(-4)).toEqual(asked.packet.subarray(-4));
			expect(isAnswerTo(requestOf(asked, plain), responseTo(request))).toBe(true);
		}
	});

	it("is shared by those who ask the same in any case, and by nobody who wants it in another form", () => {
		expect(sameQuestion(query("Example.com"))).toBe(sameQuestion(query("example.COM")));
		const others = [
			query("example.com"),
			query("example.org"),
			query("example.com", { type: TYPE.AAAA }),
			query("example.com", { edns: true }),
			query("example.com", { edns: true, dnssecOk: true }),
			query("example.com", { flags: FLAG.checkingDisabled }),
			query("example.com", { flags: FLAG.authenticData }),
		];
		expect(new Set(others.map(sameQuestion)).size).toBe(others.length);
	});

	it("outlives the buffer that the query was received in", () => {
		const received = query("example.com");
		const kept = lasting(received);
		const before = requestOf(received, plain);
		received.packet.fill(0xff);
		expect(requestOf(kept, plain)).toEqual(before);
	});
});

function responseTo(request: Buffer): Buffer {
	const response = Buffer.from(request);
	response.writeUInt16BE(FLAG.response, 2);
	return response;
}

describe("an answer from outside (RFC 5452 §9.1)", () => {
	const request = requestOf(query("example.com"), plain);

	it("is one with the same id and question", () => {
		expect(isAnswerTo(request, packetThat({ ttls: [60] }))).toBe(true);
		expect(isAnswerTo(request, packetThat({ name: "EXAMPLE.com", ttls: [60] }))).toBe(true);
	});

	it("is one in the same case only where that is demanded", () => {
		expect(isAnswerTo(request, packetThat({ ttls: [60] }), true)).toBe(true);
		expect(isAnswerTo(request, packetThat({ name: "examplE.com", ttls: [60] }), true)).toBe(false);
	});

	const otherType = packetThat({});
	otherType.writeUInt16BE(TYPE.A ^ 0x20, otherType.length - 4);
	it.each([
		["another id", packetThat({ id: 0x2223 })],
		["another name", packetThat({ name: "example.net" })],
		["a longer name", packetThat({ name: "example.com.evil" })],
		["another type", otherType],
		["a query", encodeQuery(0x2222, "example.com", TYPE.A)],
		["half a header", packetThat({}).subarray(0, 7)],
		["half a question", packetThat({}).subarray(0, 20)],
		["nothing", Buffer.alloc(0)],
	])("is none with %s", (_, packet) => expect(isAnswerTo(request, packet)).toBe(false));

	it("compares what is no letter as it is", () => {
		// "@" and "`" differ in the same bit as "A" and "a" do.
		const asked = requestOf(query("a@b.example"), plain);
		const other = responseTo(asked);
		expect(isAnswerTo(asked, other)).toBe(true);
		other[other.indexOf("@")] = "`".charCodeAt(0);
		expect(isAnswerTo(asked, other)).toBe(false);
	});

	it("may be an error without a question, but no news without one", () => {
		const bare = Buffer.from([0x22, 0x22, 0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0]);
		expect(isAnswerTo(request, bare)).toBe(true);
		bare[3] = 0x80;
		expect(isAnswerTo(request, bare)).toBe(false);
		bare[3] = 0x83;
		expect(isAnswerTo(request, bare)).toBe(false);
	});
});
