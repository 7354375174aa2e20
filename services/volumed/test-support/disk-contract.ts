/** What every disk keeps; run by the model and by the kernel's. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Disk, Host } from "../kernel/disk.ts";
import type { Destination } from "../tree/destination.ts";

export interface Subject extends AsyncDisposable {
	readonly disk: Disk;
	readonly host: Host;
	/** A directory of the host in which `host` may make things. */
	readonly folder: string;
	/** An image with a directory `/app`, in which there is `conf`, and an empty one, `/bare`. */
	readonly image: string;
	/** Puts something into a volume, as a container would. */
	write(volume: string, name: string): Promise<void>;
	read(volume: string): Promise<string[]>;
	/** Puts something into a stage within a content, at what `begin` answered. */
	stage(destination: Destination, name: string): Promise<void>;
}

export function diskContract(make: () => Promise<Subject>): void {
	let subject: Subject;
	let disk: Disk;
	beforeEach(async () => {
		subject = await make();
		disk = subject.disk;
	});
	afterEach(() => subject[Symbol.asyncDispose]());

	const isEmpty = (name: string): Promise<boolean> => disk.isEmpty(disk.mountpoint(name));

	describe("a volume", () => {
		test("is made empty, twice as well, and keeps what is put into it", async () => {
			expect(await disk.hasData("one")).toBe(false);
			await disk.ensure("one");
			expect([await disk.hasData("one"), await isEmpty("one")]).toEqual([true, true]);
			await subject.write("one", "kept");
			await disk.ensure("one");
			expect(await subject.read("one")).toEqual(["kept"]);
			expect(await isEmpty("one")).toBe(false);
		});

		test("is gone when it is removed, with its stages, and can be made anew", async () => {
			await disk.ensure("one");
			await subject.write("one", "old");
			await disk.stage("one", "s");
			await disk.remove("one");
			await disk.remove("one");
			await disk.remove("never");
			expect(await disk.hasData("one")).toBe(false);
			expect(await disk.observe()).toEqual([]);
			await disk.ensure("one");
			expect(await isEmpty("one")).toBe(true);
			await disk.bury("one");
			await disk.sweep();
		});

		test("that is out of sight comes back whole, until it is given up", async () => {
			await disk.ensure("one");
			await subject.write("one", "kept");
			await disk.remove("one");
			expect([await disk.hasData("one"), await disk.observe()]).toEqual([false, []]);
			expect(await disk.recover("one")).toBe(true);
			expect([await subject.read("one"), await disk.recover("one")]).toEqual([["kept"], false]);
			await disk.remove("one");
			await disk.bury("one");
			await disk.bury("one");
			expect(await disk.recover("one")).toBe(false);
			await disk.sweep();
		});

		test("one that is removed again before the first was given up is another one", async () => {
			for (const content of ["first", "second"]) {
				await disk.ensure("one");
				await subject.write("one", content);
				await disk.remove("one");
			}
			expect(await disk.recover("one")).toBe(true);
			expect(await subject.read("one")).toEqual(["second"]);
			await disk.sweep();
		});

		test("gets another name with what is in it", async () => {
			await disk.ensure("one");
			await subject.write("one", "kept");
			await disk.rename("one", "two");
			await disk.rename("one", "two");
			expect([await disk.hasData("one"), await subject.read("two")]).toEqual([false, ["kept"]]);
		});

		test("with nothing in it is removed where only that is wanted", async () => {
			await disk.ensure("one");
			await disk.ensure("two");
			await subject.write("two", "kept");
			await disk.ensure("three");
			await disk.stage("three", "beside");
			const removed = ["one", "two", "three", "never"].map((name) => disk.removeEmpty(name));
			expect(await Promise.all(removed)).toEqual([true, false, false, false]);
			expect([await disk.hasData("one"), await subject.read("two"), await disk.hasData("three")]).toEqual([
				false,
				["kept"],
				true,
			]);
		});

		test("is observed with everything that lies about", async () => {
			await disk.ensure("one");
			await disk.stage("one", "s1");
			await disk.stage("two", "s2");
			const observed = await disk.observe();
			expect(observed.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual([
				{ name: "one", hasData: true, stages: ["s1"] },
				{ name: "two", hasData: false, stages: ["s2"] },
			]);
			await disk.setAside("two");
			expect((await disk.observe()).map(({ name }) => name)).toEqual(["one"]);
		});
	});

	describe("a stage", () => {
		test("takes the place of the content in one step and keeps its identity", async () => {
			await disk.ensure("one");
			await subject.write("one", "old");
			const before = await disk.identity("one");
			await disk.stage("one", "s");
			const stage = await disk.identity("one", "s");
			expect(stage).not.toBe(before);
			await disk.commit("one", "s");
			expect([await disk.identity("one"), await disk.identity("one", "s")]).toEqual([stage, undefined]);
			expect(await subject.read("one")).toEqual([]);
		});

		test("is the content of a volume that had none", async () => {
			await disk.stage("new", "s");
			await disk.commit("new", "s");
			expect(await isEmpty("new")).toBe(true);
		});

		test("that is dropped leaves the content alone", async () => {
			await disk.ensure("one");
			await subject.write("one", "old");
			await disk.stage("one", "s");
			await disk.discard("one", "s");
			await disk.discard("one", "s");
			expect(await subject.read("one")).toEqual(["old"]);
			expect((await disk.observe())[0]?.stages).toEqual([]);
		});

		test("is filled with a directory of the image, and with nothing else", async () => {
			await disk.ensure("one");
			const stage = await disk.stage("one", "s");
			expect(await disk.look(subject.image, ["/none"])).toEqual(["absent"]);
			expect(await disk.look(subject.image, ["/bare"])).toEqual(["empty"]);
			expect(await disk.look(subject.image, ["/app"])).toEqual(["content"]);
			await disk.fill(stage, { root: subject.image, path: "/app" });
			await disk.commit("one", "s");
			expect(await subject.read("one")).toEqual(["conf"]);
			await disk.clear(disk.mountpoint("one"));
			expect(await subject.read("one")).toEqual([]);
		});

		test("cannot be put in place when it is not there", async () => {
			await disk.ensure("one");
			await expect(disk.commit("one", "nothing")).rejects.toMatchObject({ reason: "KERNEL_REFUSED" });
			expect(await disk.hasData("one")).toBe(true);
		});
	});

	describe("a stage within the content", () => {
		const id = "0123456789abcdef0123456789abcdef";
		let path: string;
		beforeEach(async () => {
			await disk.ensure("one");
			path = disk.mountpoint("one");
		});

		test("is no part of it, and goes without a trace", async () => {
			await disk.inside.begin(path, id);
			expect(await isEmpty("one")).toBe(true);
			await disk.inside.discard(path, id);
			await disk.inside.discard(path, id);
			expect(await subject.read("one")).toEqual([]);
		});

		test.each([
			["replace", ["new"]],
			["merge", ["new", "old"]],
		] as const)("enters it to %s it, once for all", async (entering, content) => {
			await subject.write("one", "old");
			const stage = await disk.inside.begin(path, id);
			await subject.stage(stage, "new");
			const seal = await disk.inside.prepare(path, id, { entering, implied: [] });
			await disk.inside.enter(path, id, seal);
			await disk.inside.enter(path, id, seal);
			await disk.inside.discard(path, id);
			expect((await subject.read("one")).sort()).toEqual(content);
		});

		test("that is not there cannot enter anything", async () => {
			await expect(disk.inside.enter(path, id, "")).rejects.toMatchObject({ reason: "STAGE_CHANGED" });
		});
	});

	test("directories of the host are made with their parents and taken back", async () => {
		const { host, folder } = subject;
		const made = await host.makeDirectory(`${folder}/a/b`);
		expect(made).toEqual([`${folder}/a`, `${folder}/a/b`]);
		expect(await host.makeDirectory(`${folder}/a/b`)).toEqual([]);
		expect(await host.exists(`${folder}/a/b`)).toBe(true);
		await host.unmake(made);
		expect([await host.exists(`${folder}/a`), await host.exists(folder)]).toEqual([false, true]);
	});
}
