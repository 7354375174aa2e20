import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { stagesOf, WrittenFiles } from "./written.ts";

let dir = "";
let files: WrittenFiles;
const read = (name: string): string => readFileSync(join(dir, name), "utf8");

beforeEach(() => {
	dir = mkdtempSync(join(tmpdir(), "wharf-written-"));
	files = new WrittenFiles(dir);
});

afterEach(() => rmSync(dir, { recursive: true }));

/** Follows in a process that may make no file longer than 4 KiB; more is refused as on a full disk, with a short write before. */
function followWithoutRoom(texts: Readonly<Record<string, string>>) {
	const program = `
		import { WrittenFiles } from ${JSON.stringify(new URL("./written.ts", import.meta.url).href)};
		await new WrittenFiles(${JSON.stringify(dir)}).follow(${JSON.stringify(texts)});
	`;
	// `ulimit -f` counts 512 bytes.
	const limited = `trap "" XFSZ; ulimit -f 8; exec "$@"`;
	const args = ["-c", limited, "sh", process.execPath, "--input-type=module", "-e", program];
	return spawnSync("sh", args, { encoding: "utf8", timeout: 60_000 });
}

test.each(["short\n", `${"b".repeat(3000)}\n`])(
	"a file that has no room for more is as it was, and follows again later",
	async (before) => {
		await files.write({ hosts: before });
		const { status, stderr } = followWithoutRoom({ hosts: "c".repeat(6000) });
		expect([status, stderr]).toEqual([1, expect.stringContaining("EFBIG")]);
		expect(read("hosts")).toBe(before);
		await files.follow({ hosts: "d\n" });
		expect(read("hosts")).toBe("d\n");
	},
);

test.each([
	["long before", "new"],
	["old", "longer after"],
	["été", "ete"],
])("from %j to %j: all that a crash on the way leaves is known", async (before, after) => {
	const [first, between, last] = stagesOf(Buffer.from(before), Buffer.from(after)).map(String);
	expect([first, last]).toEqual([before, after]);
	writeFileSync(join(dir, "hosts"), before);
	writeFileSync(join(dir, "hosts"), after, { flag: "r+" });
	expect(read("hosts")).toBe(between);
});
