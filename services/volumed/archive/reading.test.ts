import { createHash } from "node:crypto";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { Fault } from "#lib/fault/fault.ts";
import { HOSTILE, type Member, tarOf } from "../test-support/archive.ts";
import { archiveEnd, type Foot, manifestHeader } from "./manifest.ts";
import { manifestText } from "./manifest-text.ts";
import type { Entry } from "./entry.ts";
import { parseHeader } from "./header.ts";
import { EntryPolicy } from "./policy.ts";
import { archiveBeginning } from "./promise.ts";
import { type LineStore, Reading } from "./reading.ts";

class LinesInMemory implements LineStore {
	#bytes = Buffer.alloc(0);

	get length(): number {
		return this.#bytes.length;
	}

	add(line: string): void {
		this.#bytes = Buffer.concat([this.#bytes, Buffer.from(`${line}\n`)]);
	}

	flush(): void {
		// It is all there.
	}

	read(offset: number, length: number): Buffer {
		return this.#bytes.subarray(offset, offset + length);
	}
}

/** Reads an archive in pieces of `size` bytes. */
function read(archive: Buffer, { size = archive.length || 1, strip = 0 } = {}) {
	const lines = new LinesInMemory();
	const entries: string[] = [];
	const content: Buffer[] = [];
	const target = {
		entry: ({ path }: { readonly path: string }) => void entries.push(path),
		content: (bytes: Buffer) => void content.push(Buffer.from(bytes)),
		entryEnd: () => undefined,
		remove: () => undefined,
	};
	const reading = new Reading({ policy: new EntryPolicy(strip), lines, target, warn: () => undefined });
	for (let at = 0; at < archive.length; at += size) reading.push(archive.subarray(at, at + size));
	reading.end();
	const text = lines.read(0, lines.length);
	const made = text.toString().trim().split("\n");
	return {
		reading,
		text,
		entries,
		content: Buffer.concat(content),
		records: made.map((line) => (line === "" ? {} : JSON.parse(line))),
	};
}

function entryAt(path: string): Entry {
	const more = { mode: 0, uid: 0, gid: 0, mtime: "0.000000000", storedSize: 0, size: 0, sparse: false, uname: "" };
	return { path, type: "file", ...more, map: undefined, link: undefined, device: undefined, attributes: new Map() };
}

const MEMBERS: readonly Member[] = [
	{ name: "./", type: "5", mode: 0o1777 },
	{ name: "./text", content: "x".repeat(1300), mode: 0o4755 },
	{ name: "./empty", content: "", pax: { "SCHILY.xattr.user.a": "one" } },
	{ name: "a", pax: { path: "./long/päth", mtime: "-1.5", uid: "3000000" }, content: "y" },
	{ name: "./link", type: "2", link: "/etc" },
	{ name: "./hard", type: "1", link: "./text" },
	{ name: "./fifo", type: "6" },
	{ name: "./whiteout", type: "3" },
	{ name: "././@LongLink", type: "L", content: `${"n".repeat(200)}\0` },
	{ name: "short", content: "z" },
];

describe("an archive that streams by", () => {
	const archive = tarOf(MEMBERS);

	test.each([1, 7, 511, 512, 513, 4096, 1 << 20])("is the same in pieces of %d bytes", (size) => {
		const { reading, records, content } = read(archive, { size });
		const whole = read(archive);
		expect(records).toEqual(whole.records);
		expect(content.equals(whole.content)).toBe(true);
		expect([reading.entries, reading.bytes]).toEqual([9, archive.length - 1024]);
	});

	test("every entry is what its headers say together", () => {
		const { records } = read(archive);
		expect(records).toHaveLength(9);
		expect(records[0]).toMatchObject({ path: "./", type: "directory", mode: "1777" });
		expect(records[1]).toMatchObject({
			mode: "4755",
			size: 1300,
			sha256: createHash("sha256").update("x".repeat(1300)).digest("hex"),
		});
		expect(records[3]).toMatchObject({ path: "./long/päth", mtime: "-1.500000000", uid: 3_000_000 });
		expect(records[4]).toMatchObject({ type: "symlink", link: "/etc" });
		expect(records[8]).toMatchObject({ path: "n".repeat(200), size: 1 });
	});
});

describe("hostile archives", () => {
	test.each(HOSTILE)("$what is refused, in one piece and in many", ({ archive, reason }) => {
		for (const size of [archive.length || 1, 100]) {
			expect(() => read(archive, { size })).toThrow(expect.objectContaining({ reason }));
		}
	});

	test("what is kept of an entry does not keep all of its headers", () => {
		const policy = new EntryPolicy();
		const target = { entry: (): void => undefined, content: (): void => undefined };
		const reading = new Reading({
			warn: () => undefined,
			...{ policy, lines: undefined },
			target: { ...target, entryEnd: () => undefined, remove: () => undefined },
		});
		const comment = "x".repeat(3_000_000);
		setFlagsFromString("--expose-gc");
		const collect = runInNewContext("gc") as () => void;
		collect();
		const before = process.memoryUsage();
		for (let index = 0; index < 50; index++) {
			const path = `./a-name-that-is-not-so-short-${index}`;
			const pax = { comment, path, mtime: "1234567890.123456789" };
			const long = { name: "././@LongLink", type: "L", content: `./another-rather-long-name-${index}\0${comment}` };
			const links = [
				{ name: "x", type: "2", link: "/elsewhere", pax },
				long,
				{ name: "y", type: "2", link: "/elsewhere" },
			];
			reading.push(tarOf(links, Buffer.alloc(0)));
		}
		collect();
		const after = process.memoryUsage();
		expect(policy.refusal(entryAt("./a-name-that-is-not-so-short-7/x"))).toMatch("a symlink of the archive");
		expect(after.external - before.external + after.heapUsed - before.heapUsed).toBeLessThan(120_000_000);
	});

	test("nothing is made of a refused entry", () => {
		const archive = tarOf([
			{ name: "good", content: "1" },
			{ name: "../bad", content: "secret" },
		]);
		const made: string[] = [];
		const target = {
			entry: ({ path }: { readonly path: string }) => void made.push(path),
			content: (bytes: Buffer) => void made.push(bytes.toString()),
			entryEnd: () => undefined,
			remove: () => undefined,
		};
		const reading = new Reading({
			policy: new EntryPolicy(),
			lines: new LinesInMemory(),
			target,
			warn: () => undefined,
		});
		expect(() => {
			for (let at = 0; at < archive.length; at += 64) reading.push(archive.subarray(at, at + 64));
		}).toThrow("its name has `..`");
		expect(made).toEqual(["good", "1"]);
	});

	test("dropped parts are judged as they come to lie", () => {
		const archive = tarOf([
			{ name: "a/link", type: "2", link: "/etc" },
			{ name: "b/link/x", content: "1" },
		]);
		expect(() => read(archive)).not.toThrow();
		expect(() => read(archive, { strip: 1 })).toThrow(expect.objectContaining({ reason: "ENTRY_REFUSED" }));
	});

	test("links inside and outwards that nothing goes through are kept", () => {
		const members = [
			{ name: "d/", type: "5" },
			{ name: "d/out", type: "2", link: "../../../etc" },
			{ name: "d/outside", content: "1" },
		];
		expect(read(tarOf(members)).records).toHaveLength(3);
	});
});

describe("the manifest", () => {
	const plain = read(tarOf(MEMBERS));
	const before = tarOf(MEMBERS, Buffer.alloc(0));
	const foot: Foot = { entries: 9, bytes: before.length, sockets: ["{}"], gone: [], warnings: ["a warning"] };
	const manifestOf = (lines: Buffer, end = foot): Buffer => {
		const lists: string[] = [];
		const text = manifestText("data", new Date(0), end, (line) => lists.push(`${line}\n`));
		return Buffer.concat([text.head, lines, Buffer.from(lists.join("")), text.foot]);
	};
	const sealed = (manifest: Buffer, archive = before): Buffer => {
		const end = archiveEnd(archive.length, manifest.length);
		return Buffer.concat([archive, manifestHeader(manifest.length, new Date(0)), manifest, end]);
	};
	const withManifest = (lines: Buffer): Buffer => sealed(manifestOf(lines));
	const whole = withManifest(plain.text);

	test.each([1, 2 ** 33 - 1, 2 ** 33, 2 ** 40])("of %d bytes has a header that says so", (size) => {
		expect(parseHeader(manifestHeader(size, new Date(0)), 0, 0)).toMatchObject({
			size,
			mode: 0o400,
			uname: "wharf-manifest",
		});
	});

	test("is found at the end, taken out, and says what was read", () => {
		for (const size of [whole.length, 512, 4096]) {
			const { reading, text, entries } = read(whole, { size });
			expect(reading.manifest?.foot).toEqual(foot);
			expect([reading.entries, reading.bytes]).toEqual([9, before.length]);
			expect(entries).toHaveLength(9);
			expect(text.equals(plain.text)).toBe(true);
		}
	});

	test("the whole is made of whole records", () => {
		expect(whole.length % 10_240).toBe(0);
	});

	test.each([
		[
			"a line that is missing",
			plain.text.subarray(0, plain.text.lastIndexOf(10, -2) + 1),
			/the manifest has .*"sockets":.*, the archive has .*nnn/,
		],
		[
			"a line too many",
			Buffer.concat([plain.text, Buffer.from('{"path":"./more"}\n')]),
			/the manifest has .*more.*, the archive has nothing more/,
		],
		[
			"another mode",
			Buffer.from(plain.text.toString().replace('"4755"', '"0755"')),
			'"./text" has mode 4755 and not 0755.',
		],
		[
			"another digest",
			Buffer.from(plain.text.toString().replace(/"sha256":"./, '"sha256":"x')),
			/"\.\/text" has sha256 .* and not x/,
		],
		[
			"another attribute",
			Buffer.from(plain.text.toString().replace(Buffer.from("one").toString("base64"), "dHdv")),
			'"./empty" has attribute SCHILY.xattr.user.a "one" and not "two".',
		],
		["nothing", Buffer.alloc(0), /the archive has \{"path":"\.\/"/],
	])("with %s is refused, in one piece and in many", (_, lines, problem) => {
		for (const size of [1 << 20, 512, 1]) {
			const error = expect.objectContaining({
				reason: "MANIFEST_MISMATCH",
				message: expect.stringMatching(problem) as string,
			});
			expect(() => read(withManifest(lines), { size })).toThrow(error as Error);
		}
	});

	test("has no line that a reader does not take, however long a list is", () => {
		const gone = Array.from({ length: 1_200 }, (_, index) => `{"path":"./${"x".repeat(60_000)}${index}"}`);
		const manifest = manifestOf(plain.text, { ...foot, gone });
		expect(manifest.length).toBeGreaterThan(64 * 1024 * 1024);
		expect(read(sealed(manifest), { size: 1 << 20 }).reading.manifest?.foot).toEqual({ ...foot, gone });
	});

	test("of format 3, which has the lists in its foot, is read as well", () => {
		const head = '{"format":"wharf-manifest/3","volume":"data","createdAt":"1970-01-01T00:00:00.000Z"}';
		const { entries, bytes, sockets, warnings } = foot;
		const said = { end: true, entries, bytes, sockets, gone: ['{"path":"./was"}'], warnings };
		const sealedFoot = (sha256: string): string => JSON.stringify({ ...said, sha256 });
		const digest = createHash("sha256")
			.update(`${head}\n${JSON.stringify(said)}`)
			.digest("hex");
		const archive = (last: string): Buffer =>
			sealed(Buffer.concat([Buffer.from(`${head}\n`), plain.text, Buffer.from(`${last}\n`)]));
		expect(read(archive(sealedFoot(digest))).reading.manifest?.foot).toEqual({ ...foot, gone: said.gone });
		expect(() => read(archive(sealedFoot(digest).replace("./was", "./other")))).toThrow("one of its last was changed");
	});

	test.each([
		["a list that is missing", /"sockets".*\n/, ""],
		["an item that is missing", /"sockets":\["\{\}"\]/, '"sockets":[]'],
		["a list of something else", /"sockets":\["\{\}"\]/, '"sockets":[1]'],
		["a line behind its foot", /$/, '{"gone":["{}"]}\n'],
		["a list in its foot as well", /"end":true/, '"end":true,"gone":["{}"]'],
	])("with %s is refused", (_, what, by) => {
		const manifest = manifestOf(plain.text).toString().replace(what, by);
		const mismatch = expect.objectContaining({ reason: "MANIFEST_MISMATCH" }) as Error;
		expect(() => read(sealed(Buffer.from(manifest)))).toThrow(mismatch);
	});

	test("whatever byte is changed, it is refused, or nothing that is made of it is another", () => {
		const made = ({ reading, text, content }: ReturnType<typeof read>): unknown[] => [
			reading.manifest?.foot,
			text.toString(),
			content.toString("latin1"),
		];
		const wanted = made(read(whole));
		let unnoticed = 0;
		for (let at = 0; at < whole.length; at++) {
			const changed = Buffer.from(whole);
			changed[at] = (changed[at] ?? 0) ^ 1;
			try {
				expect(made(read(changed))).toEqual(wanted);
				unnoticed += 1;
			} catch (error) {
				if (!(error instanceof Fault)) throw error;
			}
		}
		// What fills blocks and the last record up.
		expect(unnoticed).toBeLessThan(whole.length / 2);
	});

	test("content that another header places elsewhere is not what the manifest has", () => {
		const sparse = (pax: Record<string, string>, content: string): Buffer =>
			tarOf([{ name: "GNUSparseFile.0/a", content, pax: { ...pax, "GNU.sparse.name": "./a" } }], Buffer.alloc(0));
		const data = "x".repeat(512);
		const content = `1\n1024\n512\n`.padEnd(512, "\0") + data;
		const version = { "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "2048" };
		const own = sparse(version, content);
		const elsewhere = (map: string): Buffer => sparse({ "GNU.sparse.size": "2048", "GNU.sparse.map": map }, content);
		const { text } = read(Buffer.concat([own, Buffer.alloc(1024)]));
		const ended = (archive: Buffer): Buffer =>
			sealed(manifestOf(text, { ...foot, entries: 1, bytes: archive.length }), archive);
		expect(read(ended(own)).reading.manifest).toBeDefined();
		for (const map of ["0,1024", "512,1024"]) {
			expect(() => read(ended(elsewhere(map)))).toThrow(/"\.\/a" has sparse .* and not true/);
		}
	});

	test("is there in every archive that promises it, with entries or without", () => {
		const promised = Buffer.concat([archiveBeginning(), before]);
		const end = { ...foot, bytes: promised.length };
		expect(read(sealed(manifestOf(plain.text, end), promised)).reading.manifest?.foot).toEqual(end);
		expect(() => read(Buffer.concat([promised, Buffer.alloc(1024)]))).toThrow("it ends before its manifest");
		const none = { ...foot, entries: 0, bytes: archiveBeginning().length };
		const { reading } = read(sealed(manifestOf(Buffer.alloc(0), none), archiveBeginning()));
		expect([reading.manifest?.foot, reading.bytes]).toEqual([none, none.bytes]);
	});

	test("a volume's own file of that name is a file like others", () => {
		const archive = tarOf([{ name: ".wharf/manifest.jsonl", content: "mine" }]);
		expect(read(archive).reading.manifest?.foot).toBeUndefined();
	});
});
