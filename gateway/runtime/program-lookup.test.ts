import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HostPath, hostPathOf, lookUp } from "./program-lookup.ts";

let scratch = "";
let hostPath: HostPath;

beforeAll(() => {
	scratch = mkdtempSync(join(tmpdir(), "wharf-lookup-"));
	const rootfs = join(scratch, "rootfs");
	for (const folder of ["rootfs/usr/bin", "rootfs/opt/dir", "rootfs/tools", "volume/deep"]) {
		mkdirSync(join(scratch, folder), { recursive: true });
	}
	const file = (path: string, mode: number): void => {
		writeFileSync(join(scratch, path), "#!/bin/sh\n");
		chmodSync(join(scratch, path), mode);
	};
	file("rootfs/usr/bin/tool", 0o755);
	file("rootfs/usr/bin/text", 0o644);
	file("rootfs/tools/hidden", 0o755);
	file("volume/deep/shown", 0o755);
	const link = (target: string, path: string): void => symlinkSync(target, join(rootfs, path));
	link("/usr/bin", "bin");
	link("../usr/bin/tool", "opt/relative");
	link("/no/such/file", "opt/dangling");
	link("loop", "opt/loop");
	link("../../../../../../../../../../bin/sh", "opt/outside");
	hostPath = hostPathOf(rootfs, [
		{ destination: "/tools", type: "bind", source: join(scratch, "volume") },
		{ destination: "/scratch", type: "tmpfs", source: "tmpfs" },
	]);
});

afterAll(() => rmSync(scratch, { recursive: true }));

const PATH = "/usr/local/bin:/usr/bin";

test.each([
	["tool", "found"],
	["/usr/bin/tool", "found"],
	["/bin/tool", "found"],
	["/opt/relative", "found"],
	["text", "not-executable"],
	["/opt/dir", "not-executable"],
	["/", "not-executable"],
	["", "not-found"],
	["nothing", "not-found"],
	["/opt/dangling", "not-found"],
	["/opt/loop", "not-found"],
	["/usr/bin/tool/below", "not-found"],
])("%s is %s", (command, expected) => expect(lookUp(command, PATH, hostPath)).toBe(expected));

test("links never lead out of the root", () => {
	// The host has a /bin/sh; this container has none.
	expect(lookUp("/opt/outside", PATH, hostPath)).toBe("not-found");
});

test("a mount covers what is below it", () => {
	expect(lookUp("/tools/deep/shown", PATH, hostPath)).toBe("found");
	expect(lookUp("/tools/hidden", PATH, hostPath)).toBe("not-found");
	expect(lookUp("/scratch/anything", PATH, hostPath)).toBe("not-found");
});
