import { expect, test } from "vitest";
import { tarOf } from "../test-support/archive.ts";
import { Recognition } from "./recognition.ts";

function recognize(bytes: Buffer, size = bytes.length || 1): void {
	const recognition = new Recognition();
	for (let at = 0; at < bytes.length; at += size) recognition.take(bytes.subarray(at, at + size));
	recognition.end();
}

const latin1 = (text: string, length = text.length): Buffer => Buffer.from(text.padEnd(length, "\0"), "latin1");

test.each([
	["xz", "\xfd7zXZ\0", "it is compressed with xz", "`xz -dc FILE | wharf volume restore VOLUME -`"],
	["compress", "\x1f\x9d\x90", "it is compressed with compress", "`gzip -dc FILE | "],
	["zip", "PK\x03\x04", "it is a zip archive", "`tar -C DIR -c . | "],
	["cpio", "070701", "it is a cpio archive", "`tar -C DIR -c . | "],
	["text", "#!/bin/sh\n", "it is text", "another copy"],
])("%s, however long and in however many pieces", (_, magic, what, help) => {
	const refused = expect.objectContaining({
		reason: "NOT_A_TAR",
		message: expect.stringContaining(what) as string,
		help: expect.stringContaining(help) as string,
	}) as Error;
	const long = Buffer.concat([latin1(magic), Buffer.alloc(2000, "x")]);
	for (const bytes of [latin1(magic), long])
		for (const size of [1, 7, 4000]) expect(() => recognize(bytes, size)).toThrow(refused);
});

test("any other bytes", () => {
	expect(() => recognize(latin1("\x7fELF", 1000))).toThrow("it does not begin as one does");
});

test.each(["BZh", "070701-notes", "PK\x03\x04", "plain"])(
	"an archive that begins with a file named %j is one",
	(name) => {
		const archive = tarOf([{ name, content: "1" }]);
		const old = Buffer.from(archive);
		old.fill(0, 257, 265);
		const sum = old.subarray(0, 512).reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : byte), 0);
		old.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
		for (const bytes of [archive, old]) expect(() => recognize(bytes, 100)).not.toThrow();
	},
);

test("an archive that is damaged or cut off is none of these", () => {
	const archive = tarOf([{ name: "file", content: "1" }]);
	const damaged = Buffer.from(archive);
	damaged[3] = 0;
	for (const bytes of [
		damaged,
		archive.subarray(0, 300),
		archive.subarray(0, 100),
		Buffer.alloc(0),
		Buffer.alloc(10_240),
	])
		expect(() => recognize(bytes)).not.toThrow();
});
