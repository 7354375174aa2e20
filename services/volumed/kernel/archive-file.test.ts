import { execFileSync } from "node:child_process";
import {
	closeSync,
	existsSync,
	fstatSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readFileSync,
	renameSync,
	rmSync,
	symlinkSync,
	unlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ArchiveFile, checkTarget, openArchive, temporaryOf } from "./archive-file.ts";

let folder: string;
let path: string;
let temporary: string;
/** Somebody else has it open, and longer. */
let other: number;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "wharf-archive-file-"));
	path = join(folder, "data.tar");
	temporary = temporaryOf(path, "1");
});
afterEach(() => {
	closeSync(other);
	rmSync(folder, { recursive: true });
});

async function written(): Promise<ArchiveFile> {
	const file = await ArchiveFile.create(path, temporary);
	other = openSync(temporary, "r");
	await file.write(Buffer.from("whole"));
	return file;
}

test("what is given up takes no room, whoever has it open", async () => {
	{
		await using _ = await written();
		expect(fstatSync(other).size).toBe(5);
	}
	expect(existsSync(temporary)).toBe(false);
	expect(fstatSync(other).size).toBe(0);
});

test("what is whole stays so", async () => {
	{
		await using file = await written();
		await file.seal();
		await file.publish(false);
	}
	expect(readFileSync(path, "utf8")).toBe("whole");
	expect(existsSync(temporary)).toBe(false);
	expect(fstatSync(other).size).toBe(5);
});

describe("what is no ordinary file", () => {
	const at = (name: string): string => join(folder, name);
	const MAKE: Readonly<Record<string, () => void>> = {
		fifo: () => void execFileSync("mkfifo", [at("fifo")]),
		socket: () => {
			const bind = "socket(S, PF_UNIX, SOCK_STREAM, 0) && bind(S, sockaddr_un($ARGV[0])) || die";
			execFileSync("perl", ["-MSocket", "-e", bind, at("socket")]);
		},
		directory: () => mkdirSync(at("directory")),
		link: () => {
			writeFileSync(at("file"), "");
			symlinkSync("file", at("link"));
		},
		dangling: () => symlinkSync("nowhere", at("dangling")),
	};
	beforeEach(() => {
		other = openSync(folder, "r");
	});

	test.each(Object.keys(MAKE))("is not replaced by an archive, whoever allows it (%s)", async (name) => {
		MAKE[name]?.();
		for (const overwrite of [true, false])
			await expect(checkTarget(at(name), overwrite)).rejects.toMatchObject({ reason: "INVALID_PATH" });
	});

	test("is not replaced either when it came while the archive was made", async () => {
		await using file = await ArchiveFile.create(path, temporary);
		await file.seal();
		symlinkSync("nowhere", path);
		await expect(file.publish(true)).rejects.toMatchObject({ reason: "INVALID_PATH" });
		expect(lstatSync(path).isSymbolicLink()).toBe(true);
		unlinkSync(path);
	});

	test.each(["fifo", "directory"])("is not read, and nobody is waited for who would write to it (%s)", async (name) => {
		MAKE[name]?.();
		await expect(openArchive(at(name))).rejects.toMatchObject({ reason: "INVALID_PATH" });
	});
});

test("a name that the file system does not take is refused beforehand", async () => {
	other = openSync(folder, "r");
	await checkTarget(join(folder, "x".repeat(255)), false);
	await expect(checkTarget(join(folder, "x".repeat(256)), false)).rejects.toMatchObject({
		reason: "INVALID_PATH",
		message: expect.stringContaining("its name is too long") as string,
	});
});

test.each(["removed", "renamed"])(
	"into a directory that was %s meanwhile nothing comes, and nothing is left",
	async (how) => {
		const [inner, moved] = [join(folder, "inner"), join(folder, "moved")];
		mkdirSync(inner);
		[path, temporary] = [join(inner, "data.tar"), temporaryOf(join(inner, "data.tar"), "1")];
		{
			await using file = await written();
			await file.seal();
			if (how === "renamed") renameSync(inner, moved);
			else rmSync(inner, { recursive: true });
			for (const overwrite of [false, true]) {
				await expect(file.publish(overwrite)).rejects.toMatchObject({
					reason: "INVALID_PATH",
					message: expect.stringContaining(`${inner} was removed or renamed meanwhile`) as string,
				});
			}
		}
		expect(readdirSync(folder)).toEqual(how === "renamed" ? ["moved"] : []);
		expect(existsSync(moved) ? readdirSync(moved) : []).toEqual([]);
	},
);
