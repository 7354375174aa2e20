import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { Names, type ResolvedSandbox, type Told } from "./names.ts";

function sandbox(sandboxId: string, name = sandboxId): ResolvedSandbox {
	return {
		sandboxId,
		netnsPath: `/netns/${sandboxId}`,
		name,
		owner: sandboxId,
		hostname: name,
		resolverPort: 61_000,
		dnsServers: [],
		endpoints: [],
		forwards: true,
	};
}

/** A watcher whose acknowledgements the test sends by hand. */
function watch(names: Names) {
	const stop = new AbortController();
	const acks: number[] = [];
	let wake = (): void => {};
	async function* acknowledged(): AsyncGenerator<number> {
		while (!stop.signal.aborted) {
			while (acks.length > 0) yield acks.shift() ?? 0;
			await new Promise<void>((resolve) => (wake = resolve));
		}
	}
	const told = names.watch(acknowledged(), stop.signal)[Symbol.asyncIterator]();
	return {
		next: async (): Promise<Told | undefined> => {
			const { value } = await told.next();
			return value as Told | undefined;
		},
		acknowledge: (revision: number): void => {
			acks.push(revision);
			wake();
		},
		stop: async (): Promise<void> => {
			stop.abort();
			wake();
			await told.return?.();
		},
	};
}

/** After everything that is due has run. */
async function nextTurn<T>(value: T): Promise<T> {
	await new Promise((resolve) => setImmediate(resolve));
	return value;
}

/** It is waited for, longer than one that hangs. */
async function expectWaitedFor(names: Names, watcher: ReturnType<typeof watch>): Promise<void> {
	const next = names.put("c", sandbox("c"));
	const settled = names.settled(next, 3_600_000);
	await sleep(300);
	watcher.acknowledge(next);
	expect(await settled).toBe(true);
}

describe("Names", () => {
	test("a watcher is told what there is, that that was all, and then each change in order", async () => {
		const names = new Names();
		names.put("a", sandbox("a"));
		const watcher = watch(names);
		expect(await watcher.next()).toMatchObject({
			revision: 1,
			change: { kind: "sandbox", sandbox: { sandboxId: "a" } },
		});
		expect(await watcher.next()).toEqual({ revision: 1, change: { kind: "synced" } });
		names.put("b", sandbox("b"));
		names.put("a", undefined);
		expect(await watcher.next()).toMatchObject({
			revision: 2,
			change: { kind: "sandbox", sandbox: { sandboxId: "b" } },
		});
		expect(await watcher.next()).toEqual({ revision: 3, change: { kind: "removed", sandboxId: "a" } });
		await watcher.stop();
	});

	test("a reader that is behind is told the latest of each sandbox only", async () => {
		const names = new Names();
		const watcher = watch(names);
		await watcher.next();
		names.put("a", sandbox("a", "first"));
		names.put("b", sandbox("b"));
		names.put("a", sandbox("a", "second"));
		expect((await watcher.next())?.revision).toBe(2);
		expect(await watcher.next()).toMatchObject({ revision: 3, change: { sandbox: { name: "second" } } });
		await watcher.stop();
	});

	test("a revision is settled when every watcher has acknowledged it", async () => {
		const names = new Names();
		const [one, two] = [watch(names), watch(names)];
		await one.next();
		await two.next();
		const revision = names.put("a", sandbox("a"));
		const settled = names.settled(revision, 5_000);
		one.acknowledge(revision);
		expect(await Promise.race([settled, Promise.resolve("waiting")])).toBe("waiting");
		two.acknowledge(revision);
		expect(await settled).toBe(true);
		await one.stop();
		await two.stop();
	});

	test("it is not settled without a watcher, nor with one that is late", async () => {
		const names = new Names();
		expect(await names.settled(names.put("a", sandbox("a")))).toBe(false);
		const watcher = watch(names);
		await watcher.next();
		expect(await names.settled(names.put("a", sandbox("a")), 10)).toBe(false);
		await watcher.stop();
	});

	test("one that hangs is hardly waited for until it shows what it was waited for", async () => {
		const names = new Names();
		const watcher = watch(names);
		await watcher.next();
		const missed = names.put("a", sandbox("a"));
		expect(await names.settled(missed, 10)).toBe(false);
		// This test would end before it did.
		expect(await names.settled(names.put("b", sandbox("b")), 3_600_000)).toBe(false);
		watcher.acknowledge(missed + 1);
		expect(await names.settled(missed + 1)).toBe(true);
		await expectWaitedFor(names, watcher);
		await watcher.stop();
	});

	test("one that hung shows what it was waited for then, whatever has changed since", async () => {
		const names = new Names();
		const watcher = watch(names);
		await watcher.next();
		const missed = names.put("a", sandbox("a"));
		expect(await names.settled(missed, 10)).toBe(false);
		expect(await names.settled(names.put("b", sandbox("b")), 10)).toBe(false);
		watcher.acknowledge(missed);
		expect(await names.settled(missed)).toBe(true);
		await expectWaitedFor(names, watcher);
		await watcher.stop();
	});

	test("a watcher that goes away is not waited for", async () => {
		const names = new Names();
		const [stays, goes] = [watch(names), watch(names)];
		await stays.next();
		await goes.next();
		const revision = names.put("a", sandbox("a"));
		const settled = names.settled(revision, 5_000);
		stays.acknowledge(revision);
		await goes.stop();
		expect(await settled).toBe(true);
		await stays.stop();
	});

	test("one that watched and went away is waited for once, and whoever asks meanwhile waits with the first", async () => {
		const names = new Names(50);
		const gone = watch(names);
		await gone.next();
		await gone.stop();
		const begun = performance.now();
		expect(await Promise.all([names.settled(names.put("a", sandbox("a"))), names.settled(1)])).toEqual([false, false]);
		expect(performance.now() - begun).toBeGreaterThan(40);
		expect(await Promise.race([names.settled(names.put("a", undefined)), nextTurn("waiting")])).toBe(false);
	});

	test("its return settles what was changed while it was away", async () => {
		const names = new Names(60_000);
		names.seed([["a", sandbox("a")]]);
		const revision = names.put("b", sandbox("b"));
		const settled = names.settled(revision);
		expect(await Promise.race([settled, nextTurn("waiting")])).toBe("waiting");
		const back = watch(names);
		await back.next();
		back.acknowledge(revision);
		expect(await settled).toBe(true);
		await back.stop();
	});

	test("where nothing had a name nobody is waited for", async () => {
		const names = new Names(60_000);
		names.seed([["a", undefined]]);
		expect(await names.settled(names.put("a", sandbox("a")))).toBe(false);
	});

	test("a reader that is too far behind is ended with a fault", async () => {
		const names = new Names();
		const watcher = watch(names);
		await watcher.next();
		for (let index = 0; index <= 20_000; index += 1) names.put(`s${index}`, sandbox(`s${index}`));
		await expect(watcher.next()).rejects.toMatchObject({ reason: "WATCH_TOO_SLOW" });
	});
});
