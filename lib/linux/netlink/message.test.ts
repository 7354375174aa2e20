import { expect, test } from "vitest";
import { decodeMessages, encodeMessage, NLM_F_ACK } from "./message.ts";

const fromHex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

test("a request is framed as struct nlmsghdr", () => {
	const request = { label: "get generation", type: 0x0a10, flags: NLM_F_ACK, body: fromHex("00000000") };
	expect(encodeMessage(request, 7)).toEqual(fromHex("14000000 100a0500 07000000 00000000 00000000"));
});

test("an acknowledgement, a refusal with words and offset, and an entry are read from one datagram", () => {
	const acknowledgement = "24000000 02000001 05000000 00000000 00000000 14000000120005000500000000000000";
	const words = "09000100 6e6f7065 00000000 08000200 18000000";
	const refusal = `38000000 02000003 06000000 00000000 efffffff 14000000120005000600000000000000 ${words}`;
	const entry = "14000000 10001200 07000000 00000000 cafe0000";
	const replies = [...decodeMessages(fromHex(acknowledgement + refusal + entry))];
	expect(replies.map(({ type, sequence, interrupted, verdict }) => ({ type, sequence, interrupted, verdict }))).toEqual(
		[
			{ type: 2, sequence: 5, interrupted: false, verdict: { errno: 0, text: undefined } },
			{ type: 2, sequence: 6, interrupted: false, verdict: { errno: 17, text: "nope", offset: 24 } },
			{ type: 16, sequence: 7, interrupted: true, verdict: undefined },
		],
	);
	expect(replies[2]?.body.toString("hex")).toBe("cafe0000");
});

test("a refusal that repeats the request is read behind it", () => {
	const request = "18000000120005000600000000000000 0102030405060708";
	const refusal = `38000000 02000002 06000000 00000000 efffffff ${request} 09000100 6e6f7065 00000000`;
	const [reply] = decodeMessages(fromHex(refusal));
	expect(reply?.verdict).toMatchObject({ errno: 17, text: "nope" });
});

test("a datagram that is cut off ends the reading", () => {
	expect([...decodeMessages(fromHex("ff00000002000000"))]).toEqual([]);
	expect([...decodeMessages(fromHex("ff000000020000000500000000000000"))]).toEqual([]);
});
