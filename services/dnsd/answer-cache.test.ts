import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { answer, type Asker } from "./answer.ts";
import { AnswerCache } from "./answer-cache.ts";
import { encodeQuery } from "./codec.ts";
import { findKey } from "./name.ts";
import { TYPE } from "./protocol.ts";
import { namesOf, type Sandbox, Zone } from "./zone.ts";

const FOR_EVER = { ages: false } as const;
const room = Buffer.alloc(4_096);
const query = (name: string, id = 7, type: number = TYPE.A): Buffer => encodeQuery(id, name, type);
const names = (...texts: string[]) => texts.map(findKey).filter((key) => key !== undefined);

/** What is kept for this packet, without its id. */
function find(cache: AnswerCache, asker: number, packet: Buffer): string | undefined {
	const length = cache.find(asker, packet, packet.length, room);
	if (length === 0) return undefined;
	expect(room.readUInt16BE(0)).toBe(packet.readUInt16BE(0));
	return room.toString("latin1", 2, length);
}

describe("an answer that is kept", () => {
	it("is for the same packet with any id, of the same asker", () => {
		const cache = new AnswerCache();
		cache.keep(1, query("web"), Buffer.from("..answer"), FOR_EVER);
		expect(find(cache, 1, query("web", 9))).toBe("answer");
		expect(find(cache, 2, query("web"))).toBeUndefined();
		for (const other of [
			query("Web"),
			query("web.front"),
			query("web", 7, TYPE.AAAA),
			Buffer.alloc(3),
			Buffer.alloc(0),
		]) {
			expect(find(cache, 1, other)).toBeUndefined();
		}
	});

	it("is forgotten with a name of its first label, in any case, and with no other", () => {
		const cache = new AnswerCache();
		const kept = ["web", "WEB.front", "db"];
		for (const name of kept) cache.keep(1, query(name), Buffer.from("..answer"), FOR_EVER);
		cache.changed(names("weB"));
		expect(kept.map((name) => find(cache, 1, query(name)))).toEqual([undefined, undefined, "answer"]);
		cache.clear();
		expect(find(cache, 1, query("db"))).toBeUndefined();
	});

	it("holds until the second is over where its TTLs count down", () => {
		let nowMs = 5_900;
		const cache = new AnswerCache(() => nowMs);
		cache.keep(1, query("web"), Buffer.from("..answer"), { ages: true });
		expect(find(cache, 1, query("web"))).toBe("answer");
		nowMs = 6_000;
		expect(find(cache, 1, query("web"))).toBeUndefined();
	});

	it("is small, and so is what was asked", () => {
		const cache = new AnswerCache();
		const long = query(`${"a".repeat(60)}.${"b".repeat(60)}`);
		cache.keep(1, long, Buffer.alloc(20), FOR_EVER);
		cache.keep(1, query("web"), Buffer.alloc(500), FOR_EVER);
		expect([find(cache, 1, long), find(cache, 1, query("web"))]).toEqual([undefined, undefined]);
	});

	it("makes room for another: there is a bound, whatever is asked", () => {
		const cache = new AnswerCache();
		for (let i = 0; i < 100_000; i++) cache.keep(1, query(`name-${i}`), Buffer.from(`..${i}`), FOR_EVER);
		const kept = Array.from({ length: 100_000 }, (_, i) => find(cache, 1, query(`name-${i}`)) ?? String(i));
		expect(kept).toEqual(kept.map((_, i) => String(i)));
	});
});

/** Few of everything, so that they meet. */
const sandboxes = fc.record({
	id: fc.constantFrom("one", "two", "three"),
	name: fc.constantFrom("web", "web.1", "db"),
	networkName: fc.constantFrom("front", "back", "web"),
	aliases: fc.subarray(["web", "WWW", "db.front"]),
	address: fc.constantFrom("10.0.0.1", "10.0.0.2", "fd00::1"),
	forwards: fc.boolean(),
	links: fc.constantFrom({}, { www: "web" }, { db: "web.1", none: "db" }),
});
const ids = fc.constantFrom("one", "two", "three");
const asked = [
	"web",
	"Web.front",
	"web.1.back",
	"www",
	"db.front",
	"db.front.web",
	"1.0.0.10.in-addr.arpa",
	"none",
	"db",
];
const asks = fc.record({
	kind: fc.constant("ask" as const),
	asker: ids,
	name: fc.constantFrom(...asked),
	type: fc.constantFrom(TYPE.A, TYPE.AAAA, TYPE.PTR),
});
const steps = fc.oneof(
	{ weight: 2, arbitrary: fc.record({ kind: fc.constant("put" as const), sandbox: sandboxes }) },
	{ weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), id: ids }) },
	{ weight: 30, arbitrary: asks },
);

function sandboxOf({
	id,
	name,
	networkName,
	aliases,
	address,
	forwards,
	links,
}: {
	readonly id: string;
	readonly name: string;
	readonly networkName: string;
	readonly aliases: readonly string[];
	readonly address: string;
	readonly forwards: boolean;
	readonly links: Readonly<Record<string, string>>;
}): Sandbox {
	const leg = { endpointId: id, networkId: networkName, networkName, addresses: [Ip.parse(address)], aliases, links };
	return {
		id,
		netnsPath: "",
		name,
		owner: id.padEnd(64, "0"),
		hostname: "",
		resolverPort: 1,
		dnsServers: [],
		forwards,
		legs: [leg],
	};
}

it("what a link's name stands for is not to be kept: it changes with another name", () => {
	const one = { id: "one", name: "asker", networkName: "front", aliases: [], address: "10.0.0.1", forwards: false };
	const two = { id: "two", name: "web", networkName: "front", aliases: [], address: "10.0.0.2", forwards: false };
	const alone = Zone.empty(5).with(sandboxOf({ ...one, links: { db: "web" } }));
	for (const zone of [alone, alone.with(sandboxOf({ ...two, links: {} }))]) {
		const asker: Asker = { ttlSeconds: 5, forwards: false, lookUp: (key) => zone.lookUp("one", key) };
		expect(answer(query("db"), asker, "udp")).toMatchObject({ kind: "answer", isSettled: false });
		expect(answer(query("web"), asker, "udp")).toMatchObject({ kind: "answer", isSettled: true });
	}
});

type Step = { readonly kind: "remove"; readonly id: string } | Put | Ask;
interface Put {
	readonly kind: "put";
	readonly sandbox: Parameters<typeof sandboxOf>[0];
}
interface Ask {
	readonly kind: "ask";
	readonly asker: string;
	readonly name: string;
	readonly type: number;
}

/** A zone, and what of its answers is kept. */
class Kept {
	readonly #cache = new AnswerCache();
	readonly #views = new Map<string, number>();
	#zone = Zone.empty(5);
	#lastView = 0;

	/** What was kept and what is right now, where something was kept. */
	take(step: Step): [kept: string, now: string][] {
		if (step.kind === "put") this.#change(step.sandbox.id, this.#zone.with(sandboxOf(step.sandbox)));
		else if (step.kind === "remove") this.#change(step.id, this.#zone.without(step.id));
		else if (this.#views.has(step.asker)) return this.#ask(step);
		return [];
	}

	#change(id: string, zone: Zone): void {
		const both = [this.#zone.find(id), zone.find(id)].filter((sandbox) => sandbox !== undefined);
		for (const sandbox of both) this.#cache.changed(namesOf(sandbox));
		this.#zone = zone;
		this.#views.set(id, ++this.#lastView);
	}

	#ask({ asker: id, name, type }: Ask): [string, string][] {
		const packet = query(name, 1, type);
		const view = this.#views.get(id) ?? 0;
		const forwards = this.#zone.find(id)?.forwards ?? false;
		const asker: Asker = { ttlSeconds: 5, forwards, lookUp: (key) => this.#zone.lookUp(id, key) };
		const kept = find(this.#cache, view, packet);
		const now = answer(packet, asker, "udp");
		const isKept = now.kind === "answer" && now.isSettled;
		if (isKept) this.#cache.keep(view, packet, now.packet, FOR_EVER);
		return kept === undefined ? [] : [[kept, isKept ? now.packet.toString("latin1", 2) : "not to be kept"]];
	}
}

it("nothing is ever kept that would not be answered now, whoever comes and goes", () => {
	let served = 0;
	fc.assert(
		fc.property(fc.array(steps, { minLength: 20, maxLength: 120 }), (sequence) => {
			const zone = new Kept();
			const pairs = sequence.flatMap((step) => zone.take(step));
			served += pairs.length;
			expect(pairs.map(([kept]) => kept)).toEqual(pairs.map(([, now]) => now));
		}),
		{ numRuns: 500 },
	);
	expect(served).toBeGreaterThan(100);
});
