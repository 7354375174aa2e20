import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createLog } from "#lib/log/log.ts";
import { retained } from "../retention.ts";
import { parseVolumeName } from "../volume.ts";
import { ArchiveDirectory } from "./archive-directory.ts";

const DATA = parseVolumeName("data");

/** A directory with these files, each of as many bytes as its name has. */
function scratch(...names: readonly string[]) {
	const path = mkdtempSync(join(tmpdir(), "wharf-archives-"));
	for (const name of names) writeFileSync(join(path, name), name);
	const lines: Record<string, unknown>[] = [];
	const sink = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
	return {
		path,
		lines,
		directory: new ArchiveDirectory(path, createLog({ service: "test", sink })),
		there: () => readdirSync(path).sort(),
		[Symbol.dispose]: () => rmSync(path, { recursive: true }),
	};
}

describe("the list", () => {
	test("has the volume's archives, newest first, with their time and size", async () => {
		using subject = scratch(
			"data-20260102T030405Z-10.tar",
			"data-20260102T030405Z-9.tar.gz",
			"data-20271231T235959Z.tar.zst",
		);
		writeFileSync(join(subject.path, "data-20260102T030405Z.tar"), "");
		const at = (name: string) => ({ name, path: join(subject.path, name), volume: "data" });
		const time = new Date("2026-01-02T03:04:05Z");
		expect(await subject.directory.list(DATA)).toEqual([
			{
				...at("data-20271231T235959Z.tar.zst"),
				time: new Date("2027-12-31T23:59:59Z"),
				sequence: 1,
				compression: "zstd",
				sizeBytes: 29,
			},
			{ ...at("data-20260102T030405Z-10.tar"), time, sequence: 10, compression: "none", sizeBytes: 28 },
			{ ...at("data-20260102T030405Z-9.tar.gz"), time, sequence: 9, compression: "gzip", sizeBytes: 30 },
			{ ...at("data-20260102T030405Z.tar"), time, sequence: 1, compression: "none", sizeBytes: 0 },
		]);
	});

	test("has nothing of other volumes, no other names, and nothing but files", async () => {
		using subject = scratch(
			"data-20260101T000000Z.tar",
			"data-20260101T000000Z-20260101T000000Z.tar",
			"other-20260101T000000Z.tar",
			"my-data-20260101T000000Z.tar",
			"data-20260101T000000Z.tar.part",
			"data.tar",
			".wharf-backup-0123.partial",
		);
		const { path } = subject;
		symlinkSync("data-20260101T000000Z.tar", join(path, "data-20260102T000000Z.tar"));
		symlinkSync("nowhere", join(path, "data-20260103T000000Z.tar"));
		mkdirSync(join(path, "data-20260104T000000Z.tar"));
		execFileSync("mkfifo", [join(path, "data-20260105T000000Z.tar")]);
		expect((await subject.directory.list(DATA)).map(({ name }) => name)).toEqual(["data-20260101T000000Z.tar"]);
	});

	test("is refused where there is no directory", async () => {
		using subject = scratch("file");
		const log = createLog({ service: "test", level: "silent" });
		expect(() => new ArchiveDirectory("backups", log)).toThrow(expect.objectContaining({ reason: "INVALID_PATH" }));
		for (const name of ["nowhere", "file"]) {
			await expect(new ArchiveDirectory(join(subject.path, name), log).list(DATA)).rejects.toMatchObject({
				reason: "INVALID_PATH",
			});
		}
	});
});

describe("removal", () => {
	test("takes what no rule keeps, says each, and leaves everything else", async () => {
		const names = ["data-20260101T000000Z.tar", "data-20260101T120000Z.tar", "data-20260102T000000Z.tar"];
		const others = ["data-20251231T000000Z-20251231T000000Z.tar", "notes.txt", "other-20250101T000000Z.tar"];
		using subject = scratch(...names, ...others);
		const { remove } = retained(await subject.directory.list(DATA), { daily: 2 });
		await subject.directory.remove(remove);
		expect(subject.there()).toEqual([...names.slice(1), ...others].sort());
		const path = join(subject.path, "data-20260101T000000Z.tar");
		expect(subject.lines).toMatchObject([{ message: "change", change: "volume.archive.remove", path, volume: "data" }]);
	});

	test("of what has gone already is success, and no change", async () => {
		using subject = scratch("data-20260101T000000Z.tar", "data-20260102T000000Z.tar");
		const archives = await subject.directory.list(DATA);
		rmSync(join(subject.path, "data-20260102T000000Z.tar"));
		await subject.directory.remove(archives);
		await subject.directory.remove(archives);
		expect(subject.there()).toEqual([]);
		expect(subject.lines).toHaveLength(1);
	});

	test("goes on after what cannot be removed, and says it", async () => {
		const names = ["data-20260101T000000Z.tar", "data-20260102T000000Z.tar", "data-20260103T000000Z.tar"];
		using subject = scratch(...names);
		const archives = await subject.directory.list(DATA);
		const stuck = join(subject.path, "data-20260102T000000Z.tar");
		rmSync(stuck);
		mkdirSync(stuck); // no file any more
		const removal = subject.directory.remove(archives);
		await expect(removal).rejects.toMatchObject({ reason: "KERNEL_REFUSED", metadata: { what: `removing ${stuck}` } });
		expect(subject.there()).toEqual(["data-20260102T000000Z.tar"]);
		expect(subject.lines.map(({ message, path }) => [message, path])).toEqual([
			["change", join(subject.path, "data-20260103T000000Z.tar")],
			["an archive is still there", stuck],
			["change", join(subject.path, "data-20260101T000000Z.tar")],
		]);
	});

	test("of a link that has come in an archive's place takes the link, and not what it points at", async () => {
		using subject = scratch("data-20260101T000000Z.tar", "precious");
		const archives = await subject.directory.list(DATA);
		rmSync(join(subject.path, "data-20260101T000000Z.tar"));
		symlinkSync("precious", join(subject.path, "data-20260101T000000Z.tar"));
		await subject.directory.remove(archives);
		expect(subject.there()).toEqual(["precious"]);
	});
});
