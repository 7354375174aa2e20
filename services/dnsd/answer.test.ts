/** Question, zone, answer, each with the RFC it comes from. Answers are read back by another decoder than ours: dns2's. */
import { Packet } from "dns2";
import { describe, expect, it } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { type Asker, answer, type Outcome, type Transport } from "./answer.ts";
import { encodeQuery } from "./codec.ts";
import { FLAG, RCODE, TYPE } from "./protocol.ts";
import { type Sandbox, Zone } from "./zone.ts";

const many = Array.from({ length: 60 }, (_, i) => Ip.parse(`172.18.1.${i + 1}`));
const zone = Zone.empty(5)
	.with(container("web", ["172.18.0.2", "fd00::2"]))
	.with(container("four", ["172.18.0.4"]))
	.with(container("crowd", many.map(String)));

function container(name: string, addresses: readonly string[]): Sandbox {
	const leg = {
		endpointId: name,
		networkId: "n",
		networkName: "frontend",
		addresses: addresses.map((text) => Ip.parse(text)),
		aliases: [],
	};
	const rest = { netnsPath: "/netns/x", resolverPort: 53, dnsServers: [], forwards: true, owner: "", hostname: "" };
	return { id: name, name, legs: [leg], ...rest };
}

const asker: Asker = { ttlSeconds: 5, forwards: true, lookUp: (key) => zone.lookUp("web", key) };

function ask(packet: Buffer, options: { forwards?: boolean; transport?: Transport } = {}): Outcome {
	const { forwards = true, transport = "udp" } = options;
	return answer(packet, { ...asker, forwards }, transport);
}

function answered(packet: Buffer, options?: { forwards?: boolean; transport?: Transport }) {
	const outcome = ask(packet, options);
	if (outcome.kind !== "answer") throw new Error(`expected an answer, got ${outcome.kind}`);
	return { bytes: outcome.packet, ...Packet.parse(outcome.packet) };
}

function question(name: string, type: number = TYPE.A): Buffer {
	return encodeQuery(0x1234, name, type);
}

interface Opt {
	readonly udpBytes?: number;
	readonly version?: number;
	readonly dnssecOk?: boolean;
}

function withOpt(packet: Buffer, { udpBytes = 1232, version = 0, dnssecOk = false }: Opt = {}): Buffer {
	const opt = Buffer.from([0, 0, 41, udpBytes >> 8, udpBytes & 255, 0, version, dnssecOk ? 0x80 : 0, 0, 0, 0]);
	const out = Buffer.concat([packet, opt]);
	out.writeUInt16BE(out.readUInt16BE(10) + 1, 10);
	return out;
}

/** The same query with another second word of the header. */
function withFlags(packet: Buffer, flags: number): Buffer {
	const out = Buffer.from(packet);
	out.writeUInt16BE(flags, 2);
	return out;
}

describe("local names", () => {
	it("have their addresses, authoritative, with the id and TTL (RFC 1035 §4.1)", () => {
		const { header, questions, answers, bytes } = answered(question("web"));
		expect(header).toMatchObject({ id: 0x1234, qr: 1, aa: 1, tc: 0, rd: 1, ra: 1, rcode: 0 });
		expect(questions).toMatchObject([{ name: "web", type: TYPE.A, class: 1 }]);
		expect(answers).toMatchObject([{ name: "web", type: TYPE.A, class: 1, ttl: 5, address: "172.18.0.2" }]);
		expect(bytes.length).toBe(12 + 9 + 16);
		expect(answered(question("web", TYPE.AAAA)).answers).toMatchObject([{ address: "fd00::2" }]);
	});

	it("keep the case of the question (RFC 4343)", () => {
		const { questions, answers } = answered(question("wEb.FrontEnd"));
		expect([questions[0]?.name, answers[0]?.name]).toEqual(["wEb.FrontEnd", "wEb.FrontEnd"]);
	});

	it("have a PTR for both families (RFC 1035 §3.5, RFC 3596 §2.5)", () => {
		expect(answered(question("2.0.18.172.in-addr.arpa", TYPE.PTR)).answers).toMatchObject([{ domain: "web.frontend" }]);
		const six = Ip.parse("fd00::2").reverseName();
		expect(answered(question(six, TYPE.PTR)).answers).toMatchObject([{ domain: "web.frontend" }]);
	});

	it.each([
		["four", TYPE.AAAA],
		["web", TYPE.MX],
		["web", TYPE.SRV],
		["web", TYPE.HTTPS],
		["web", TYPE.SVCB],
		["web", TYPE.TXT],
		["2.0.18.172.in-addr.arpa", TYPE.A],
	])("are NOERROR with an SOA without the type: %s %i (RFC 2308 §2.2)", (name, type) => {
		const { header, answers, authorities } = answered(question(name, type));
		expect(header).toMatchObject({ rcode: RCODE.NOERROR, aa: 1 });
		expect(answers).toEqual([]);
		expect(authorities).toMatchObject([{ name, type: TYPE.SOA, ttl: 5, minimum: 5, admin: "nobody.invalid" }]);
	});

	it("give one set of records to ANY (RFC 8482 §4.1)", () => {
		expect(answered(question("web", TYPE.ANY)).answers).toMatchObject([{ type: TYPE.A, address: "172.18.0.2" }]);
		expect(answered(question("2.0.18.172.in-addr.arpa", TYPE.ANY)).answers).toMatchObject([{ type: TYPE.PTR }]);
	});

	it("put each of many addresses first at times", { timeout: 30_000 }, () => {
		const tcp = { transport: "tcp" } as const;
		const firsts = new Set<string | undefined>();
		for (let i = 0; i < 2_000; i++) firsts.add(answered(question("crowd"), tcp).answers[0]?.address);
		expect(firsts.size).toBe(60);
		const all = answered(question("crowd"), tcp).answers.map(({ address }) => address);
		expect(all.toSorted()).toEqual(many.map(String).toSorted());
	});
});

describe("names that are not there", () => {
	it("are NXDOMAIN below a shared network where nothing is forwarded, with its SOA (RFC 2308 §2.1)", () => {
		const { header, authorities } = answered(question("nothing.FrontEnd"), { forwards: false });
		expect(header).toMatchObject({ rcode: RCODE.NXDOMAIN, aa: 1 });
		expect(authorities).toMatchObject([{ name: "FrontEnd", type: TYPE.SOA, primary: "FrontEnd", ttl: 5 }]);
	});

	// A network may be called as a domain is.
	it.each(["nothing", "nothing.frontend", "example.com", "frontend", "9.9.9.9.in-addr.arpa"])(
		"are asked elsewhere: %s",
		(name) => {
			expect(ask(question(name))).toMatchObject({ kind: "forward", query: { type: TYPE.A, id: 0x1234 } });
		},
	);

	it("are NXDOMAIN where nothing is forwarded, with the root's SOA", () => {
		const { header, authorities } = answered(question("example.com"), { forwards: false });
		expect(header).toMatchObject({ rcode: RCODE.NXDOMAIN, aa: 0, ra: 1 });
		expect(authorities).toMatchObject([{ name: "", type: TYPE.SOA }]);
	});

	it("are refused to who wants no recursion (RFC 1034 §4.3.1)", () => {
		expect(answered(withFlags(question("example.com"), 0)).header.rcode).toBe(RCODE.REFUSED);
		expect(answered(withFlags(question("web"), 0)).answers).toHaveLength(1);
	});
});

describe("EDNS (RFC 6891)", () => {
	it("is answered with EDNS, and only then; DO is copied (RFC 3225 §3)", () => {
		expect(answered(question("web")).additionals).toEqual([]);
		const [opt] = answered(withOpt(question("web"), { dnssecOk: true })).additionals;
		expect(opt).toMatchObject({ type: TYPE.OPT, class: 4096, ttl: 0x8000 });
	});

	it("of another version is BADVERS", () => {
		expect(answered(withOpt(question("web"), { version: 1 })).header.rcode).toBe(RCODE.BADVERS);
		expect(answered(withOpt(question("web"), { version: 1 })).answers).toEqual([]);
	});

	it("twice is FORMERR (§6.1.1)", () => {
		expect(answered(withOpt(withOpt(question("web")))).header.rcode).toBe(RCODE.FORMERR);
	});
});

describe("what does not fit", () => {
	it.each([
		["without EDNS", question("crowd"), 512],
		["with a small size, which counts as 512", withOpt(question("crowd"), { udpBytes: 100 }), 512],
		["with 700 bytes", withOpt(question("crowd"), { udpBytes: 700 }), 700],
	])("is cut to whole records and marked, %s (RFC 2181 §9)", (_, packet, most) => {
		const { bytes, header, answers } = answered(packet);
		expect(header.tc).toBe(1);
		expect(bytes.length).toBeLessThanOrEqual(most);
		expect(bytes.length).toBeGreaterThan(most - 16);
		expect(answers.length).toBe(header.ancount);
	});

	it("is whole over TCP and with a size that takes it", () => {
		for (const whole of [answered(question("crowd"), { transport: "tcp" }), answered(withOpt(question("crowd")))]) {
			expect(whole.header.tc).toBe(0);
			expect(whole.answers).toHaveLength(60);
		}
	});
});

describe("what is no ordinary query", () => {
	it("is not answered when it is a response (RFC 1035 §7.3) or shorter than a header", () => {
		expect(ask(withFlags(question("web"), FLAG.response))).toEqual({ kind: "ignore" });
		expect(ask(question("web").subarray(0, 11))).toEqual({ kind: "ignore" });
		expect(ask(Buffer.alloc(0))).toEqual({ kind: "ignore" });
	});

	it.each([1, 2, 4, 5, 6, 15])("is NOTIMP with opcode %i (RFC 1035 §4.1.1)", (opcode) => {
		const { header, questions } = answered(withFlags(question("web"), opcode << 11));
		expect(header).toMatchObject({ id: 0x1234, opcode, rcode: RCODE.NOTIMP });
		expect(questions).toEqual([]);
	});

	it.each([0, 2, 0xffff])("is FORMERR with %i questions (RFC 9619 §4)", (count) => {
		const packet = question("web");
		packet.writeUInt16BE(count, 4);
		expect(answered(packet).header).toMatchObject({ rcode: RCODE.FORMERR, qdcount: 0 });
	});

	it("is REFUSED with another class than IN", () => {
		const packet = question("version.bind", TYPE.TXT);
		packet.writeUInt16BE(3, packet.length - 2);
		expect(answered(packet).header.rcode).toBe(RCODE.REFUSED);
	});

	it.each([TYPE.OPT, TYPE.TKEY, 250, 251, TYPE.AXFR])("is REFUSED with type %i", (type) => {
		expect(answered(question("web", type)).header.rcode).toBe(RCODE.REFUSED);
	});

	it.each([
		["a pointer in the question", "\xc0\x0c\x00\x01\x00\x01"],
		["a pointer to itself behind a label", "\x01a\xc0\x0c\x00\x01\x00\x01"],
		["a reserved kind of label", "\x41abc\x00\x00\x01\x00\x01"],
		["a label past the end", "\x3fabc"],
		["no type and class", "\x01a\x00"],
		["256 bytes of name", `${`\x3f${"x".repeat(63)}`.repeat(4)}\x00\x00\x01\x00\x01`],
	])("is FORMERR with %s (RFC 1035 §4.1.4, §2.3.4)", (_, tail) => {
		const packet = Buffer.concat([question("web").subarray(0, 12), Buffer.from(tail, "latin1")]);
		expect(answered(packet).header).toMatchObject({ rcode: RCODE.FORMERR, qdcount: 0 });
	});

	it("is FORMERR when records are announced that are not there", () => {
		const packet = question("web");
		packet.writeUInt16BE(1, 10);
		expect(answered(packet).header.rcode).toBe(RCODE.FORMERR);
	});

	it("may ask for the root and for the longest name", () => {
		const label = "x".repeat(63);
		const longest = [label, label, label, "x".repeat(61)].join(".");
		expect(ask(question(longest)).kind).toBe("forward");
		const root = Buffer.concat([question("web").subarray(0, 12), Buffer.from([0, 0, 2, 0, 1])]);
		expect(ask(root).kind).toBe("forward");
	});
});
