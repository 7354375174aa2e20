/** Who watches sees what was wanted, in order; who does not read loses and is told; nobody watching costs nothing. */
import { describe, expect, it, onTestFinished } from "vitest";
import { encodeQuery } from "./codec.ts";
import { findKey } from "./name.ts";
import { TYPE } from "./protocol.ts";
import { type LoggedQuery, type Outcome, type Parcel, type QueryFilter, QueryLog } from "./query-log.ts";

const ALL: QueryFilter = { sandboxIds: new Set(), owners: new Set(), suffix: undefined, failuresOnly: false };
/** What a watcher that does not read has room for. */
const ROOM = 1_000;

interface Watching {
	readonly parcels: AsyncGenerator<Parcel>;
	stop(): void;
}

function watch(log: QueryLog, filter: Partial<QueryFilter> = {}): Watching {
	const stopped = new AbortController();
	onTestFinished(() => stopped.abort());
	return { parcels: log.watch({ ...ALL, ...filter }, stopped.signal), stop: () => stopped.abort() };
}

const CODES: Readonly<Record<Outcome, number>> = {
	local: 0,
	absent: 3,
	forwarded: 0,
	cached: 0,
	refused: 5,
	failed: 2,
};

function ask(log: QueryLog, name: string, outcome: Outcome = "local", sandbox = "s-web"): void {
	const packet = encodeQuery(1, name, TYPE.A);
	const asking = { sandboxId: sandbox, owner: `owner of ${sandbox}`, container: sandbox.slice(2) };
	const query = log.begin(asking, packet, "udp");
	const answer = Buffer.from(packet);
	answer.writeUInt16BE(0x8000 | CODES[outcome], 2);
	packet.fill(0xff); // it is the caller's again
	query?.end(outcome, answer);
	answer.fill(0xff);
}

/** Until so many have been read. */
async function read({ parcels }: Watching, many: number): Promise<{ queries: LoggedQuery[]; lost: number }> {
	const queries: LoggedQuery[] = [];
	let lost = 0;
	while (queries.length < many) {
		const { value, done } = await parcels.next();
		if (done) break;
		queries.push(...value.queries);
		lost += value.lost;
	}
	return { queries, lost };
}

const names = ({ queries }: { queries: readonly LoggedQuery[] }): string[] => queries.map(({ name }) => name);

describe("a watch", () => {
	it("begins with an empty parcel, and has what came since it was asked for", async () => {
		const log = new QueryLog();
		ask(log, "before");
		const watching = watch(log);
		ask(log, "Web.front");
		expect(await watching.parcels.next()).toEqual({ done: false, value: { queries: [], lost: 0 } });
		const beforeUs = Date.now() * 1_000;
		const [query] = (await read(watching, 1)).queries;
		expect(query).toEqual({
			sandboxId: "s-web",
			owner: "owner of s-web",
			container: "web",
			transport: "udp",
			name: "Web.front",
			type: "A",
			outcome: "local",
			code: "NOERROR",
			answers: 0,
			data: [],
			timeUs: expect.any(Number),
			durationUs: expect.any(Number),
		});
		expect(Number.isSafeInteger(query?.timeUs)).toBe(true);
		expect(Math.abs((query?.timeUs ?? 0) - beforeUs)).toBeLessThan(60_000_000);
	});

	it("wakes for what comes while it waits", async () => {
		const log = new QueryLog();
		const watching = watch(log);
		await watching.parcels.next();
		const later = read(watching, 2);
		await new Promise<void>((resolve) => setImmediate(resolve));
		ask(log, "one");
		ask(log, "two");
		expect(names(await later)).toEqual(["one", "two"]);
	});

	it("loses what finds no room, says how many, and goes on; another one that reads loses nothing", async () => {
		const log = new QueryLog();
		const [slow, quick] = [watch(log), watch(log)];
		const seen = Array.from({ length: ROOM + 7 }, (_, i) => `n${i}`);
		for (const name of seen.slice(0, ROOM)) ask(log, name);
		expect(names(await read(quick, ROOM))).toEqual(seen.slice(0, ROOM));
		for (const name of seen.slice(ROOM)) ask(log, name);
		expect(await read(quick, 7)).toMatchObject({ lost: 0 });
		const got = await read(slow, ROOM);
		expect([names(got), got.lost]).toEqual([seen.slice(0, ROOM), 7]);
		ask(log, "after");
		expect(await read(slow, 1)).toMatchObject({ lost: 0, queries: [{ name: "after" }] });
	});

	it("costs nothing before it begins and when it has ended, read or not", async () => {
		const log = new QueryLog();
		expect(log.isWatched).toBe(false);
		const [one, two] = [watch(log), watch(log)];
		expect(log.isWatched).toBe(true);
		await one.parcels.next();
		const waiting = one.parcels.next();
		one.stop();
		expect(await waiting).toEqual({ done: true, value: undefined });
		expect(log.isWatched).toBe(true);
		two.stop();
		expect(log.isWatched).toBe(false);
		expect(log.begin({ sandboxId: "s", owner: "", container: "" }, Buffer.alloc(0), "udp")).toBeUndefined();

		const three = watch(log);
		await three.parcels.next();
		await three.parcels.return(undefined);
		expect(log.isWatched).toBe(false);
		watch(log).stop();
		const aborted = new AbortController();
		aborted.abort();
		expect(await log.watch(ALL, aborted.signal).next()).toMatchObject({ value: { queries: [] } });
		expect(log.isWatched).toBe(false);
	});
});

describe("a filter", () => {
	it("is by sandbox or owner, and spares the others' queries being read", async () => {
		const log = new QueryLog();
		const watching = watch(log, { sandboxIds: new Set(["s-db"]), owners: new Set(["owner of s-app"]) });
		expect(log.begin({ sandboxId: "s-web", owner: "owner of s-web", container: "" }, Buffer.alloc(0), "udp")).toBe(
			undefined,
		);
		ask(log, "a", "local", "s-web");
		ask(log, "b", "local", "s-db");
		ask(log, "c", "local", "s-app");
		expect(names(await read(watching, 2))).toEqual(["b", "c"]);
	});

	it("is by a name and what is below it, in any case", async () => {
		const log = new QueryLog();
		const watching = watch(log, { suffix: findKey("Example.com") });
		for (const name of ["example.com", "WWW.EXAMPLE.COM", "notexample.com", "example.com.net", "com"]) ask(log, name);
		ask(log, "last.example.com");
		expect(names(await read(watching, 3))).toEqual(["example.com", "WWW.EXAMPLE.COM", "last.example.com"]);
	});

	it("is for failures alone, which an absent name is not", async () => {
		const log = new QueryLog();
		const watching = watch(log, { failuresOnly: true });
		for (const outcome of ["local", "absent", "forwarded", "cached", "refused", "failed"] as const) {
			ask(log, outcome, outcome);
		}
		const { queries } = await read(watching, 2);
		expect(queries.map(({ outcome, code }) => [outcome, code])).toEqual([
			["refused", "REFUSED"],
			["failed", "SERVFAIL"],
		]);
	});
});
