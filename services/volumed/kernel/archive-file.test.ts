import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ArchiveFile, temporaryOf } from "./archive-file.ts";

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
