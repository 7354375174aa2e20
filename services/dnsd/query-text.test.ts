/** What a person is shown of queries and answers: right for good packets, bounded and printable for any bytes at all. */
import { Packet } from "dns2";
import { array, assert, constantFrom, integer, oneof, property, uint8Array } from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeQuery } from "./codec.ts";
import { TYPE } from "./protocol.ts";
import { codeText, readAnswers, readQuestion } from "./query-text.ts";

/** A query for a name of these labels, whatever bytes they have. */
function queryFor(...labels: readonly string[]): Buffer {
	const wire = labels.map((label) => `${String.fromCharCode(label.length)}${label}`).join("");
	return Buffer.concat([encodeQuery(1, "x", TYPE.A).subarray(0, 12), Buffer.from(`${wire}\0\0\x01\0\x01`, "latin1")]);
}

describe("a question", () => {
	it("is shown as asked, and compared without case", () => {
		expect(readQuestion(encodeQuery(1, "Www.Example.COM", TYPE.AAAA))).toEqual({
			name: "Www.Example.COM",
			key: "\x03www\x07example\x03com",
			type: "AAAA",
		});
		expect(readQuestion(encodeQuery(1, "web", 65_280))?.type).toBe("TYPE65280");
		expect(readQuestion(queryFor())?.name).toBe(".");
	});

	it("has no byte that a terminal would obey, and no dot that is none", () => {
		expect(readQuestion(queryFor("\x1b[31m", "a.b", "c\\d", "ü "))?.name).toBe("\\027[31m.a\\.b.c\\\\d.\\252\\032");
	});

	it("is none where it cannot be read", () => {
		const query = encodeQuery(1, "web", TYPE.A);
		for (const length of [0, 11, 12, 14, query.length - 4, query.length - 3]) {
			expect(readQuestion(query.subarray(0, length))).toBeUndefined();
		}
		const none = Buffer.from(query);
		none.writeUInt16BE(0, 4);
		expect(readQuestion(none)).toBeUndefined();
	});
});

/** An answer as another encoder than ours writes it. */
function answerWith(...records: readonly object[]): Buffer {
	const packet = new Packet();
	packet.header = new Packet.Header({ id: 1, qr: 1 });
	packet.questions.push(new Packet.Question({ name: "a.example", type: 1, class: 1 }));
	for (const record of records)
		packet.answers.push(new Packet.Resource({ name: "a.example", class: 1, ttl: 5, ...record }));
	return packet.toBuffer();
}

describe("an answer", () => {
	it("shows its first addresses and names, and how many records there are", () => {
		const addresses = Array.from({ length: 9 }, (_, i) => ({ type: 1, address: `192.0.2.${i}` }));
		expect(readAnswers(answerWith({ type: 5, domain: "b.example" }, ...addresses))).toEqual({
			count: 10,
			data: ["b.example", "192.0.2.0", "192.0.2.1", "192.0.2.2"],
		});
		expect(readAnswers(answerWith({ type: 28, address: "2001:db8::1" }, { type: 16, data: "text" }))).toEqual({
			count: 2,
			data: ["2001:db8::1"],
		});
		expect(readAnswers(answerWith())).toEqual({ count: 0, data: [] });
	});

	it("follows pointers backwards only, so that none goes round", () => {
		const query = encodeQuery(1, "web", TYPE.A);
		const withName = (...name: number[]): Buffer => {
			const head = Buffer.from([0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 5, 0, name.length]);
			const packet = Buffer.concat([query, head, Buffer.from(name)]);
			packet.writeUInt16BE(1, 6);
			return packet;
		};
		expect(readAnswers(withName(1, 97, 0xc0, 12)).data).toEqual(["a.web"]);
		const own = query.length + 12;
		expect(readAnswers(withName(1, 97, 0xc0, own)).data).toEqual(["a"]);
		expect(readAnswers(withName(0xc0, own)).data).toEqual(["."]);
	});

	it("names its code", () => {
		expect([0, 2, 3, 16, 11].map(codeText)).toEqual(["NOERROR", "SERVFAIL", "NXDOMAIN", "BADVERS", "RCODE11"]);
	});
});

it("takes any bytes: nothing throws, all is printable, and nothing is longer than a name can be", () => {
	const printable = /^[!-~]*$/;
	const header = uint8Array({ minLength: 12, maxLength: 12 });
	const byte = oneof(constantFrom(0, 1, 5, 12, 63, 64, 0xc0, 0xff), integer({ min: 0, max: 255 }));
	const body = array(byte, { maxLength: 600 });
	assert(
		property(header, body, (head, rest) => {
			const packet = Buffer.from([...head, ...rest]);
			packet.writeUInt16BE(1, 4);
			const question = readQuestion(packet);
			const { data } = readAnswers(packet);
			expect(data.length).toBeLessThanOrEqual(4);
			for (const text of [question?.name ?? "", question?.type ?? "", ...data]) {
				expect(text).toMatch(printable);
				expect(text.length).toBeLessThanOrEqual(4 * 320);
			}
		}),
		{ numRuns: 5_000 },
	);
});
