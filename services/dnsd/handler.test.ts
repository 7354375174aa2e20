/** One sandbox's handler without sockets: what it counts, what it tells, and whose the packet is when it has returned. */
import { describe, expect, it, onTestFinished } from "vitest";
import { createLog } from "#lib/log/log.ts";
import { type Asker, refusal } from "./answer.ts";
import { encodeQuery } from "./codec.ts";
import { Counters } from "./counters.ts";
import { AnswerCache } from "./answer-cache.ts";
import { answererOf, type Seat } from "./handler.ts";
import type { Handler } from "./listener.ts";
import { RCODE, TYPE } from "./protocol.ts";
import { QueryLog } from "./query-log.ts";

function seatWith(forward: Seat["forward"], more: Partial<Seat> = {}): Seat {
	return {
		asker: { ttlSeconds: 5, forwards: true, lookUp: () => ({ kind: "elsewhere" }) },
		answers: new AnswerCache(),
		view: { number: 1 },
		counters: new Counters(),
		queries: new QueryLog(),
		log: createLog({ service: "dnsd", level: "silent" }),
		asking: () => ({ sandboxId: "s", owner: "o", container: "web" }),
		forward,
		...more,
	};
}

const handlerOf = (seat: Seat): Handler => answererOf(seat).handle;
const query = (): Buffer => encodeQuery(7, "www.example.com", TYPE.A);
const answered = ({ counters }: Seat): string =>
	`${counters.forwarded} forwarded, ${counters.cached} cached, ${counters.failed} failed`;

describe("what is forwarded", () => {
	it("may be said not to exist for no longer than our own TTL, where it may come to be", () => {
		const asked: (number | undefined)[] = [];
		const handle = handlerOf(
			seatWith((query, _, mostNegativeSeconds) => {
				asked.push(mostNegativeSeconds);
				return refusal(query, RCODE.NXDOMAIN);
			}),
		);
		for (const name of ["web", "www.example.com"]) void handle(encodeQuery(7, name, TYPE.A), "udp");
		expect(asked).toEqual([5, undefined]);
	});

	it("is not answered when it breaks, at once or later; the next one is", async () => {
		let calls = 0;
		const handle = handlerOf(
			seatWith((asked) => {
				calls += 1;
				if (calls === 1) throw new Error("broken");
				return calls === 2 ? Promise.reject(new Error("broken")) : refusal(asked, RCODE.NXDOMAIN);
			}),
		);
		expect(handle(query(), "udp")).toBeUndefined();
		expect(await handle(query(), "udp")).toBeUndefined();
		expect(handle(query(), "udp")).toBeInstanceOf(Buffer);
	});

	it.each([
		["at once", RCODE.NOERROR, "1 forwarded, 1 cached, 0 failed"],
		["at once", RCODE.SERVFAIL, "1 forwarded, 0 cached, 1 failed"],
		["later", RCODE.NXDOMAIN, "1 forwarded, 0 cached, 0 failed"],
		["later", RCODE.SERVFAIL, "1 forwarded, 0 cached, 1 failed"],
	])("%s with code %i is counted when it ends", async (when, rcode, expected) => {
		const seat = seatWith((asked) => {
			const answer = refusal(asked, rcode);
			return when === "later" ? Promise.resolve(answer) : answer;
		});
		await handlerOf(seat)(query(), "udp");
		expect(answered(seat)).toBe(expected);
	});

	it("is told when it has ended, to who watched when it came", async () => {
		const later = Promise.withResolvers<Buffer>();
		const seat = seatWith((asked) => later.promise.then(() => refusal(asked, RCODE.NXDOMAIN)));
		const stopped = new AbortController();
		onTestFinished(() => stopped.abort());
		const filter = { sandboxIds: new Set<string>(), owners: new Set<string>(), suffix: undefined, failuresOnly: false };
		const unseen = handlerOf(seat)(query(), "tcp");
		const watching = seat.queries.watch(filter, stopped.signal);
		await watching.next();
		const packet = query();
		const seen = handlerOf(seat)(packet, "tcp");
		packet.fill(0xff);
		later.resolve(Buffer.alloc(0));
		await Promise.all([unseen, seen]);
		const { value } = await watching.next();
		expect(value).toMatchObject({
			lost: 0,
			queries: [
				{ name: "www.example.com", outcome: "forwarded", code: "NXDOMAIN", transport: "tcp", container: "web" },
			],
		});
		expect(seat.counters).toMatchObject({ forwarded: 2, tcp: 2 });
	});
});

describe("anything else", () => {
	it("asks nobody who they are while nobody watches", () => {
		const asking = (): never => {
			throw new Error("asked");
		};
		const seat = seatWith((asked) => refusal(asked, RCODE.NOERROR), { asking });
		expect(handlerOf(seat)(query(), "udp")).toBeInstanceOf(Buffer);
		expect(handlerOf(seat)(Buffer.alloc(3), "udp")).toBeUndefined();
		expect(seat.counters).toMatchObject({ queries: 2, ignored: 1 });
	});

	it("is silence where there is a bug, and the next query is answered", () => {
		let isBroken = true;
		const seat = seatWith((asked) => {
			if (isBroken) throw new Error("a bug");
			return refusal(asked, RCODE.NOERROR);
		});
		const handle = handlerOf(seat);
		expect(handle(query(), "udp")).toBeUndefined();
		isBroken = false;
		expect(handle(query(), "udp")).toBeInstanceOf(Buffer);
	});
});

describe("what was said", () => {
	const room = Buffer.alloc(512);
	const again = (seat: Seat, packet: Buffer): string => {
		const length = answererOf(seat).again(packet, packet.length, room);
		return room.toString("hex", 0, length);
	};
	const filter = { sandboxIds: new Set<string>(), owners: new Set<string>(), suffix: undefined, failuresOnly: false };

	it("is said again and counted, until another view; who watches sees every query", () => {
		const records = { a: [Buffer.alloc(16)], aaaa: [], ptr: [] };
		const asker: Asker = { ttlSeconds: 5, forwards: true, lookUp: () => ({ kind: "records", records }) };
		const seat = seatWith(() => Buffer.alloc(0), { asker, view: { number: 3 } });
		expect(again(seat, query())).toBe("");
		const said = handlerOf(seat)(query(), "udp") as Buffer;
		expect(again(seat, query())).toBe(said.toString("hex"));
		expect(seat.counters).toMatchObject({ local: 2, queries: 2 });
		expect(again({ ...seat, view: { number: 4 } }, query())).toBe("");
		const stopped = new AbortController();
		seat.queries.watch(filter, stopped.signal);
		expect(again(seat, query())).toBe("");
		stopped.abort();
		expect(again(seat, query())).not.toBe("");
	});

	it("by others is said again too, as one that is cached; a failure, or what came over TCP, is not", () => {
		const seat = seatWith((asked) => refusal(asked, RCODE.NXDOMAIN));
		void handlerOf(seat)(query(), "tcp");
		expect(again(seat, query())).toBe("");
		void handlerOf(seat)(query(), "udp");
		expect(again(seat, query())).not.toBe("");
		expect(answered(seat)).toBe("3 forwarded, 3 cached, 0 failed");
		const failing = seatWith((asked) => refusal(asked, RCODE.SERVFAIL));
		void handlerOf(failing)(query(), "udp");
		expect(again(failing, query())).toBe("");
	});
});
