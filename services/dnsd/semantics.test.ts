/**
 * What is answered to which question, each line with the RFC that says so.
 *
 * The asker is `web`, on the networks `frontend` and `back` (test-support/asker.ts). Answers are read by a decoder of the tests' own,
 * which takes nothing that is not well formed to the last byte.
 */
import { Packet } from "dns2";
import { describe, expect, it } from "vitest";
import { answer, type Transport } from "./answer.ts";
import { type Asked, optionOf, queryOf, RECURSION_DESIRED, wireOf } from "./test-support/ask.ts";
import { askerOfWeb, CROWD } from "./test-support/asker.ts";
import { decode } from "./test-support/decode.ts";

const CODES = new Map([
	[0, "NOERROR"],
	[1, "FORMERR"],
	[2, "SERVFAIL"],
	[3, "NXDOMAIN"],
	[4, "NOTIMP"],
	[5, "REFUSED"],
	[16, "BADVERS"],
]);

interface Way {
	readonly transport?: Transport;
	/** False: all networks of the asker are internal. */
	readonly forwards?: boolean;
}

/** What a client sees, without what the table does not ask about: code and flags, then a line each for records and the OPT. */
function said(packet: Buffer, { transport = "udp", forwards = true }: Way = {}): readonly string[] {
	const outcome = answer(packet, askerOfWeb(forwards), transport);
	if (outcome.kind !== "answer") return [outcome.kind];
	const { id, isResponse, opcode, flags, rcode, answers, authority, additional, opt } = decode(outcome.packet);
	expect([id, isResponse, opcode]).toEqual([packet.readUInt16BE(0), true, packet.readUInt16BE(2) >>> 11]);
	expect(additional).toEqual([]);
	const lines = (records: typeof answers): string[] =>
		records.map(({ name, ttl, type, data }) => `${name} ${ttl} ${nameOf(type)} ${data}`).toSorted();
	return [
		[CODES.get(rcode), ...flags].join(" "),
		...lines(answers),
		...lines(authority),
		...(opt === undefined ? [] : [`EDNS ${opt.version} ${opt.udpBytes}${opt.dnssecOk ? " do" : ""}`]),
	];
}

const NAMES: Readonly<Record<number, string>> = { 1: "A", 6: "SOA", 12: "PTR", 28: "AAAA" };
const nameOf = (type: number): string => NAMES[type] ?? String(type);

/** The SOA of a zone: what it is called, whom to ask, for how long there is nothing. */
const soa = (zone: string): string => `${zone} 5 SOA ${zone} nobody.invalid 5`;

const OURS = "NOERROR aa rd ra";
const REVERSE_4 = "2.0.18.172.in-addr.arpa";
const REVERSE_6 = `2.${"0.".repeat(29)}d.f.ip6.arpa`;

type Row = readonly [rfc: string, what: string, asked: Asked, expected: readonly string[], way?: Way];

describe.each<readonly [string, readonly Row[]]>([
	[
		"a local name",
		[
			["1035 §4.1", "its address", { name: "web" }, [OURS, "web 5 A 172.19.0.2"]],
			["3596 §2.2", "AAAA", { name: "six", type: "AAAA" }, [OURS, "six 5 AAAA fd00::6"]],
			["1034 §3.6", "all of an alias", { name: "pool" }, [OURS, "pool 5 A 172.18.0.4", "pool 5 A 172.18.0.5"]],
			["1034 §3.1", "below its network", { name: "both.frontend" }, [OURS, "both.frontend 5 A 172.18.0.9"]],
			["1034 §3.1", "the other network", { name: "both.back" }, [OURS, "both.back 5 A 172.19.0.9"]],
			["1034 §3.1", "its host name", { name: "four-host" }, [OURS, "four-host 5 A 172.18.0.4"]],
			["4343 §4.1", "spelt as asked", { name: "wWw.FrontEnd" }, [OURS, "wWw.FrontEnd 5 A 172.18.0.2"]],
			["1034 §4.3.1", "without recursion", { name: "four", flags: 0 }, ["NOERROR aa ra", "four 5 A 172.18.0.4"]],
			["1035 §4.1", "over TCP", { name: "four" }, [OURS, "four 5 A 172.18.0.4"], { transport: "tcp" }],
			["1034 §3.6", "internal", { name: "four" }, [OURS, "four 5 A 172.18.0.4"], { forwards: false }],
			["1035 §3.5", "PTR", { name: REVERSE_4, type: "PTR" }, [OURS, `${REVERSE_4} 5 PTR web.frontend`]],
			["3596 §2.5", "PTR", { name: REVERSE_6, type: "PTR" }, [OURS, `${REVERSE_6} 5 PTR web.frontend`]],
			[
				"4343 §4.1",
				"PTR in capitals",
				{ name: REVERSE_6.toUpperCase(), type: "PTR" },
				[OURS, `${REVERSE_6.toUpperCase()} 5 PTR web.frontend`],
			],
			["8482 §4.1", "ANY: one set", { name: "www", type: "ANY" }, [OURS, "www 5 A 172.18.0.2"]],
			["8482 §4.1", "ANY: the set there is", { name: "six", type: "ANY" }, [OURS, "six 5 AAAA fd00::6"]],
			["8482 §4.1", "ANY: a PTR", { name: REVERSE_4, type: "ANY" }, [OURS, `${REVERSE_4} 5 PTR web.frontend`]],
		],
	],
	[
		"a local name without the type: NOERROR and an SOA",
		[
			["2308 §2.2", "AAAA", { name: "four", type: "AAAA" }, [OURS, soa("four")]],
			["2308 §2.2", "A", { name: "six" }, [OURS, soa("six")]],
			["2308 §2.2", "PTR", { name: "four", type: "PTR" }, [OURS, soa("four")]],
			["2308 §2.2", "A of an address", { name: REVERSE_4 }, [OURS, soa(REVERSE_4)]],
			["1035 §3.3.9", "MX", { name: "four", type: "MX" }, [OURS, soa("four")]],
			["1035 §3.3.14", "TXT", { name: "four", type: "TXT" }, [OURS, soa("four")]],
			["1035 §3.3.1", "CNAME", { name: "four", type: "CNAME" }, [OURS, soa("four")]],
			["1035 §3.3.11", "NS", { name: "four", type: "NS" }, [OURS, soa("four")]],
			["1035 §3.3.2", "HINFO", { name: "four", type: "HINFO" }, [OURS, soa("four")]],
			["1035 §3.3.10", "NULL", { name: "four", type: "NULL" }, [OURS, soa("four")]],
			["2782", "SRV", { name: "four", type: "SRV" }, [OURS, soa("four")]],
			["3403 §4", "NAPTR", { name: "four", type: "NAPTR" }, [OURS, soa("four")]],
			["4034 §5", "DS", { name: "four", type: "DS" }, [OURS, soa("four")]],
			["4034 §2", "DNSKEY", { name: "four", type: "DNSKEY" }, [OURS, soa("four")]],
			["9460 §14", "SVCB", { name: "four", type: "SVCB" }, [OURS, soa("four")]],
			["9460 §9", "HTTPS", { name: "four", type: "HTTPS" }, [OURS, soa("four")]],
			["8659 §4", "CAA", { name: "four", type: "CAA" }, [OURS, soa("four")]],
			["3597 §3", "a type that nobody knows", { name: "four", type: 65_280 }, [OURS, soa("four")]],
			["4343 §4.1", "in its spelling", { name: "Four.FRONTEND", type: "MX" }, [OURS, soa("Four.FRONTEND")]],
			["2308 §2.2", "internal", { name: "four", type: "MX" }, [OURS, soa("four")], { forwards: false }],
		],
	],
	[
		"what is nobody's here",
		[
			["1034 §4.3.1", "a name", { name: "example.com" }, ["forward"]],
			["1034 §4.3.1", "one label", { name: "nothing", type: "HTTPS" }, ["forward"]],
			["1034 §4.3.1", "of a network that is not shared", { name: "stranger" }, ["forward"]],
			["1034 §4.3.1", "below that network", { name: "stranger.other" }, ["forward"]],
			["1035 §3.5", "an address", { name: "9.9.9.9.in-addr.arpa", type: "PTR" }, ["forward"]],
			["1035 §3.5", "a stranger's address", { name: "2.0.20.172.in-addr.arpa", type: "PTR" }, ["forward"]],
			["1035 §3.5", "part of a local address", { name: "0.18.172.in-addr.arpa", type: "PTR" }, ["forward"]],
			["3596 §2.5", "part of a local address", { name: "0.0.d.f.ip6.arpa", type: "PTR" }, ["forward"]],
			["1035 §3.5", "more than an address", { name: `9.${REVERSE_4}`, type: "PTR" }, ["forward"]],
			["1034 §3.1", "the root", { name: "", type: "NS" }, ["forward"]],
			["1034 §4.3.1", "without recursion", { name: "example.com", flags: 0 }, ["REFUSED ra"]],
			["8482 §4", "ANY", { name: "example.com", type: "ANY" }, ["forward"]],
			["6895 §3.1", "a type of meta-data", { name: "example.com", type: "MAILB" }, ["forward"]],
			["4343 §4.1", "bytes above ASCII", { name: "caf\xe9.example" }, ["forward"]],
			["2181 §11", "any bytes", { name: "a b.\x00\xff" }, ["forward"]],
			["1035 §2.3.4", "a label of 63 bytes", { name: "x".repeat(63) }, ["forward"]],
			["1035 §2.3.4", "a name of 255 bytes", { name: longName(255) }, ["forward"]],
		],
	],
	[
		"the header's bits",
		[
			["4035 §3.2.2", "CD is repeated", { name: "four", flags: 0x0110 }, [`${OURS} cd`, "four 5 A 172.18.0.4"]],
			["6840 §5.8", "AD is not", { name: "four", flags: 0x0120 }, [OURS, "four 5 A 172.18.0.4"]],
			["1035 §4.1.1", "Z is zero", { name: "four", flags: 0x0140 }, [OURS, "four 5 A 172.18.0.4"]],
			["1035 §4.1.1", "AA, TC, RA and a code", { name: "four", flags: 0x0783 }, [OURS, "four 5 A 172.18.0.4"]],
			["1035 §7.3", "a response", { name: "four", flags: 0x8100 }, ["ignore"]],
			["1035 §7.3", "any response", { name: "four", flags: 0x8100, opcode: 5, counts: [0] }, ["ignore"]],
		],
	],
	[
		"opcodes",
		[
			["3425 §3", "IQUERY", { name: "four", opcode: 1 }, ["NOTIMP rd ra"]],
			["1035 §4.1.1", "STATUS", { name: "four", opcode: 2 }, ["NOTIMP rd ra"]],
			["6895 §2.2", "3, nobody's", { name: "four", opcode: 3 }, ["NOTIMP rd ra"]],
			["1996 §3", "NOTIFY", { name: "frontend", type: "SOA", opcode: 4, flags: 0 }, ["NOTIMP ra"]],
			["2136 §2.2", "UPDATE", { name: "frontend", type: "SOA", opcode: 5, flags: 0 }, ["NOTIMP ra"]],
			["8490 §5.1", "DSO", { name: "", opcode: 6, flags: 0, counts: [0] }, ["NOTIMP ra"]],
			["6895 §2.2", "15, nobody's", { name: "four", opcode: 15 }, ["NOTIMP rd ra"]],
		],
	],
	[
		"classes, and types that are no data",
		[
			["6895 §3.2", "CH", { name: "version.bind", type: "TXT", classCode: 3 }, ["REFUSED rd ra"]],
			["6895 §3.2", "HS", { name: "four", classCode: 4 }, ["REFUSED rd ra"]],
			["2136 §2.4", "NONE", { name: "four", classCode: 254 }, ["REFUSED rd ra"]],
			["1035 §3.2.5", "ANY", { name: "four", classCode: 255 }, ["REFUSED rd ra"]],
			["6762 §5.4", "the bit of multicast", { name: "four", classCode: 0x8001 }, ["REFUSED rd ra"]],
			["5936 §2.2.1", "AXFR", { name: "frontend", type: "AXFR" }, ["REFUSED rd ra"], { transport: "tcp" }],
			["1995 §2", "IXFR", { name: "frontend", type: "IXFR" }, ["REFUSED rd ra"]],
			["2930 §2", "TKEY", { name: "four", type: "TKEY" }, ["REFUSED rd ra"]],
			["8945 §4.2", "TSIG", { name: "four", type: "TSIG" }, ["REFUSED rd ra"]],
			["6891 §6.1.1", "OPT", { name: "", type: "OPT" }, ["REFUSED rd ra"]],
		],
	],
	[
		"a message that is none",
		[
			["9619 §4", "no question", { name: "four", counts: [0] }, ["FORMERR rd ra"]],
			["9619 §4", "two questions", { name: "four", counts: [2] }, ["FORMERR rd ra"]],
			["9619 §4", "65,535 questions", { name: "four", counts: [65_535] }, ["FORMERR rd ra"]],
			["1035 §4.1", "an answer in a query", { name: "four", counts: [1, 1] }, ["FORMERR rd ra"]],
			["1035 §4.1", "an authority in a query", { name: "four", counts: [1, 0, 1] }, ["FORMERR rd ra"]],
			["1035 §4.1", "a record that is not there", { name: "four", counts: [1, 0, 0, 1] }, ["FORMERR rd ra"]],
			["1035 §4.1", "65,535 of them", { name: "four", counts: [1, 0, 0, 65_535] }, ["FORMERR rd ra"]],
			["1035 §2.3.4", "a name of 256 bytes", { name: longName(256) }, ["FORMERR rd ra"]],
			["1035 §2.3.4", "a label of 64 bytes", { name: "x".repeat(64) }, ["FORMERR rd ra"]],
			[
				"1035 §4.1",
				"bytes behind it are nothing",
				{ name: "four", trailing: Buffer.alloc(40, 0xff) },
				[OURS, "four 5 A 172.18.0.4"],
			],
		],
	],
	[
		"EDNS",
		[
			[
				"6891 §6.1.1",
				"answered where asked",
				{ name: "four", edns: [{}] },
				[OURS, "four 5 A 172.18.0.4", "EDNS 0 4096"],
			],
			[
				"3225 §3",
				"DO is repeated",
				{ name: "four", edns: [{ dnssecOk: true }] },
				[OURS, "four 5 A 172.18.0.4", "EDNS 0 4096 do"],
			],
			["6891 §6.1.3", "version 1", { name: "four", edns: [{ version: 1 }] }, ["BADVERS rd ra", "EDNS 0 4096"]],
			["6891 §6.1.3", "version 255", { name: "x.org", edns: [{ version: 255 }] }, ["BADVERS rd ra", "EDNS 0 4096"]],
			["6891 §6.1.1", "two OPT records", { name: "four", edns: [{}, {}] }, ["FORMERR rd ra"]],
			["6891 §6.1.2", "not the root's", { name: "four", edns: [{ owner: "four" }] }, ["FORMERR rd ra"]],
			["6891 §6.1.1", "among the answers", { name: "four", edns: [{}], counts: [1, 1, 0, 0] }, ["FORMERR rd ra"]],
			["7873 §5.2", "a cookie", withOption(10, 8), [OURS, "four 5 A 172.18.0.4", "EDNS 0 4096"]],
			["7830 §3", "padding", withOption(12, 400), [OURS, "four 5 A 172.18.0.4", "EDNS 0 4096"]],
			["7871 §7.1", "a client subnet", withOption(8, 7), [OURS, "four 5 A 172.18.0.4", "EDNS 0 4096"]],
			[
				"6891 §6.1.2",
				"an option that nobody knows",
				withOption(65_001, 0),
				[OURS, "four 5 A 172.18.0.4", "EDNS 0 4096"],
			],
			["6891 §6.1.1", "with an error", { name: "four", classCode: 3, edns: [{}] }, ["REFUSED rd ra", "EDNS 0 4096"]],
			["6891 §6.1.1", "without data", { name: "four", type: "MX", edns: [{}] }, [OURS, soa("four"), "EDNS 0 4096"]],
		],
	],
])("%s", (_, rows) => {
	it.each(rows.map(([rfc, what, ...rest]) => ({ rfc, what, rest })))("RFC $rfc: $what", ({ rest }) => {
		const [asked, expected, way] = rest;
		expect(said(queryOf(asked), way)).toEqual(expected);
	});
});

function withOption(code: number, bytes: number): Asked {
	return { name: "four", edns: [{ options: optionOf(code, Buffer.alloc(bytes, 1)) }] };
}

/** A name of so many bytes on the wire, with labels as long as may be. */
function longName(bytes: number): string {
	const label = "x".repeat(63);
	return [label, label, label, "x".repeat(bytes - 3 * 64 - 2)].join(".");
}

describe("RFC 2308 §2.1, RFC 8020: what does not exist, where all networks are internal", () => {
	it.each([
		"example.com",
		"nothing",
		"nothing.FrontEnd",
		"deep.nothing.frontend",
		"stranger",
		"stranger.other",
		"caf\xe9",
	])("%s is NXDOMAIN, with the SOA of a zone that it is in", (name) => {
		const [status, record = ""] = said(queryOf({ name }), { forwards: false });
		expect(status).toMatch(/^NXDOMAIN (aa )?rd ra$/);
		const [, owner, primary] = /^(\S*) 5 SOA (\S*) nobody\.invalid 5$/.exec(record) ?? [];
		expect([owner, `.${name}`.endsWith(owner === "" ? "" : `.${owner}`)]).toEqual([primary, true]);
	});

	it("a network is, or nothing below it would be", () => {
		expect(said(queryOf({ name: "frontend" }), { forwards: false })).toEqual(["NOERROR rd ra", soa("")]);
	});

	it("the root is, or nothing would be: it has no data", () => {
		expect(said(queryOf({ name: "", type: "NS" }), { forwards: false })).toEqual(["NOERROR rd ra", soa("")]);
	});
});

describe("RFC 2181 §9, RFC 6891 §6.2: whole records as long as they fit, and TC when some do not", () => {
	// Sixteen bytes each, behind a header of twelve, a question of eleven, and before an OPT of eleven.
	it.each([
		["without EDNS", undefined, "udp", 30],
		["with 0 bytes, which count as 512", 0, "udp", 29],
		["with 511 bytes, which count as 512", 511, "udp", 29],
		["with 512", 512, "udp", 29],
		["with 1232", 1232, "udp", 74],
		["with 4096", 4096, "udp", 253],
		["with more than is sent over UDP", 65_535, "udp", 253],
		["over TCP", undefined, "tcp", 4094],
		["over TCP, whatever EDNS says", 512, "tcp", 4093],
	] as const)("%s", (_, udpBytes, transport, count) => {
		const [status, ...records] = said(
			queryOf({ name: "crowd", ...(udpBytes !== undefined && { edns: [{ udpBytes }] }) }),
			{
				transport,
			},
		);
		expect(status).toBe("NOERROR aa tc rd ra");
		expect(count).toBeLessThan(CROWD);
		expect(new Set(records.filter((record) => record.startsWith("crowd 5 A ")))).toHaveLength(count);
	});

	it("says nothing of what fits to the last byte", () => {
		const query = queryOf({ name: "pool" });
		const outcome = answer(query, askerOfWeb(true), "udp");
		expect(outcome.kind === "answer" && outcome.packet.length).toBe(query.length + 2 * 16);
	});
});

describe("RFC 1035 §4.1.4: compression", () => {
	it("of the answers' names points at the question, and another decoder reads the same", () => {
		const outcome = answer(queryOf({ name: "WWW.frontend" }), askerOfWeb(true), "udp");
		if (outcome.kind !== "answer") throw new Error(outcome.kind);
		expect(outcome.packet.readUInt16BE(12 + wireOf("www.frontend").length + 4)).toBe(0xc00c);
		expect(Packet.parse(outcome.packet)).toMatchObject({
			header: { id: 0x1234, qr: 1, aa: 1, rcode: 0, ancount: 1 },
			questions: [{ name: "WWW.frontend", type: 1, class: 1 }],
			answers: [{ name: "WWW.frontend", type: 1, class: 1, ttl: 5, address: "172.18.0.2" }],
		});
	});

	it.each([
		["a pointer", "\xc0\x0c\x00\x01\x00\x01"],
		["a pointer to itself behind a label", "\x01a\xc0\x0c\x00\x01\x00\x01"],
		["a pointer past the end", "\x01a\xff\xff\x00\x01\x00\x01"],
		["half a pointer", "\x01a\xc0"],
		["a reserved kind of label, 01", "\x41abc\x00\x00\x01\x00\x01"],
		["a reserved kind of label, 10", "\x81abc\x00\x00\x01\x00\x01"],
		["a label past the end", "\x3fabc"],
		["no end of the name", "\x01a"],
		["no type", "\x01a\x00"],
		["half a class", "\x01a\x00\x00\x01\x00"],
		["nothing", ""],
	])("in a question is FORMERR, without the question: %s", (_, question) => {
		const packet = Buffer.concat([queryOf({ name: "" }).subarray(0, 12), Buffer.from(question, "latin1")]);
		expect(said(packet)).toEqual(["FORMERR rd ra"]);
	});

	it.each([
		["a name that points back", "\xc0\x0c\x00\x10\x00\x01\x00\x00\x00\x00\x00\x00", "NOERROR"],
		["a name that points to itself is not followed", "\xc0\x15\x00\x10\x00\x01\x00\x00\x00\x00\x00\x00", "NOERROR"],
		["a name without an end", "\x3f", "FORMERR"],
		["data past the end", "\x00\x00\x10\x00\x01\x00\x00\x00\x00\x00\x05ab", "FORMERR"],
		["an OPT record whose data is past the end", "\x00\x00\x29\x10\x00\x00\x00\x00\x00\xff\xff", "FORMERR"],
	])("in an additional record: %s", (_, record, code) => {
		const packet = queryOf({ name: "four", counts: [1, 0, 0, 1], trailing: Buffer.from(record, "latin1") });
		expect(said(packet)[0]).toMatch(new RegExp(`^${code} `));
	});
});

describe("RFC 1035 §4.1.1: the answer repeats", () => {
	it.each([
		["the question byte for byte", { name: "wEb.bAcK" }],
		["what has no such type", { name: "Four", type: "MX" }],
		["what is refused", { name: "FOUR", classCode: 3 }],
	] as const)("%s (the 0x20 bits of a client's, too)", (_, asked) => {
		const query = queryOf(asked);
		const outcome = answer(query, askerOfWeb(true), "udp");
		if (outcome.kind !== "answer") throw new Error(outcome.kind);
		expect(outcome.packet.subarray(12, query.length)).toEqual(query.subarray(12));
		expect(decode(outcome.packet).questions).toHaveLength(1);
	});

	it.each([0, 1, 0x8000, 0xffff])("the id %i", (id) => {
		const outcome = answer(queryOf({ name: "four", id }), askerOfWeb(true), "udp");
		expect(outcome.kind === "answer" && decode(outcome.packet).id).toBe(id);
	});
});

it("says nothing to what is shorter than a header", () => {
	const query = queryOf({ name: "four", flags: RECURSION_DESIRED });
	for (let length = 0; length < 12; length++) expect(said(query.subarray(0, length))).toEqual(["ignore"]);
	for (let length = 12; length < query.length; length++) {
		expect(said(query.subarray(0, length))).toEqual(["FORMERR rd ra"]);
	}
});
