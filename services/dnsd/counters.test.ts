/** Each query is counted once for what became of it, read off the answers that this service really gives. */
import { describe, expect, it } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { answer } from "./answer.ts";
import { encodeQuery } from "./codec.ts";
import { queryOf } from "./test-support/ask.ts";
import { CounterBook, Counters, ownOutcome } from "./counters.ts";
import { CLASS_IN, TYPE } from "./protocol.ts";
import { Zone } from "./zone.ts";

const zone = Zone.empty(5).with({
	id: "s",
	netnsPath: "",
	name: "web",
	owner: "",
	hostname: "",
	resolverPort: 1,
	dnsServers: [],
	forwards: true,
	legs: [{ endpointId: "e", networkId: "n", networkName: "net", addresses: [Ip.parse("10.0.0.2")], aliases: [] }],
});

function outcomeOf(packet: Buffer, forwards = true): string {
	const outcome = answer(packet, { ttlSeconds: 5, forwards, lookUp: (key) => zone.lookUp("s", key) }, "udp");
	return outcome.kind === "answer" ? ownOutcome(outcome.packet) : outcome.kind;
}

/** With an OPT record of that version. */
function edns(packet: Buffer, version: number): Buffer {
	const out = Buffer.concat([packet, Buffer.from([0, 0, 41, 4, 208, 0, version, 0, 0, 0, 0])]);
	out.writeUInt16BE(1, 10);
	return out;
}

function changed(packet: Buffer, at: number, value: number): Buffer {
	const out = Buffer.from(packet);
	out.writeUInt16BE(value, at);
	return out;
}

const web = encodeQuery(1, "web", TYPE.A);

describe("what an answer of ours was", () => {
	it.each([
		["a record", web, "local"],
		["a name without the type", encodeQuery(1, "web", TYPE.MX), "local"],
		["with EDNS", edns(web, 0), "local"],
		["the root, where nobody else is asked", queryOf({ name: "", type: "NS" }), "absent"],
		["nobody of the network", encodeQuery(1, "none.net", TYPE.A), "absent"],
		["two questions", changed(web, 4, 2), "refused"],
		["another opcode", changed(web, 2, 0x2000), "refused"],
		["another class", changed(web, web.length - 2, CLASS_IN + 2), "refused"],
		["a version of EDNS that there is not, whose code is NOERROR in the header", edns(web, 1), "refused"],
		["no recursion wanted of what is not ours", changed(encodeQuery(1, "example.com", TYPE.A), 2, 0), "refused"],
		["somebody else's", encodeQuery(1, "example.com", TYPE.A), "forward"],
		["no query", changed(web, 2, 0x8000), "ignore"],
	])("%s", (_, packet, expected) => {
		expect(outcomeOf(packet, expected !== "absent")).toBe(expected);
	});

	it("absent where nothing may be asked elsewhere", () => {
		expect(outcomeOf(encodeQuery(1, "example.com", TYPE.A), false)).toBe("absent");
	});
});

describe("the book", () => {
	it("gives a sandbox the same counters until it goes, and keeps what it counted in the total", () => {
		const book = new CounterBook();
		const one = book.of("one");
		expect(book.of("one")).toBe(one);
		one.local += 3;
		one.tcp += 1;
		book.of("two").forwarded += 2;
		book.of("two").cached += 1;
		expect(book.total()).toMatchObject({ queries: 5, local: 3, forwarded: 2, cached: 1, tcp: 1 });
		book.drop("one");
		book.drop("one");
		expect(book.of("one")).toEqual(new Counters());
		book.of("one").absent += 1;
		book.keepOnly(new Set(["two"]));
		expect(book.total()).toMatchObject({ queries: 6, local: 3, absent: 1, forwarded: 2 });
		expect(book.of("two")).toMatchObject({ queries: 2 });
	});

	it("adds up everything that is counted", () => {
		const kinds = ["local", "absent", "forwarded", "cached", "failed", "refused", "ignored", "tcp"] as const;
		const counters = new Counters();
		expect(Object.keys(counters).toSorted()).toEqual(kinds.toSorted());
		for (const [index, kind] of kinds.entries()) counters[kind] = index + 1;
		const sum = new Counters();
		sum.add(counters);
		sum.add(counters);
		expect(kinds.map((kind) => sum[kind])).toEqual(kinds.map((_, index) => 2 * (index + 1)));
		expect(counters.queries).toBe(1 + 2 + 3 + 6 + 7);
	});
});
