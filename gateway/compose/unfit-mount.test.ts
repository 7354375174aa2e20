import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { findUnfit } from "./unfit-mount.ts";

const folder = mkdtempSync(join(tmpdir(), "wharf-unfit-"));
const root = join(folder, "root");
mkdirSync(join(root, "etc/skel"), { recursive: true });
writeFileSync(join(root, "etc/passwd"), "");
symlinkSync("/etc/passwd", join(root, "link"));
symlinkSync("/nowhere", join(root, "dangling"));
const file = join(root, "etc/passwd");

afterAll(() => rmSync(folder, { recursive: true }));

const unfit = (source: string, destination: string, type = "bind"): string | undefined =>
	findUnfit(root, [
		{ destination: "/etc/skel", source: folder, type: "bind" },
		{ destination, source, type },
	])?.problem;

test.each([
	[folder, "/etc/passwd", "there is a file, and it is a directory"],
	[folder, "/link", "there is a file, and it is a directory"],
	[file, "/etc/skel", "there is a directory, and it is a file"],
	[folder, "/etc/passwd/below", "a part of that path is a file"],
])("%s does not fit %s", (source, destination, problem) => expect(unfit(source, destination)).toBe(problem));

test("below another mount it is not the image that has to fit", () => {
	const wanted = [folder, file].map((source, index) => ({
		destination: `/etc${index === 0 ? "" : "/skel"}`,
		source,
		type: "bind",
	}));
	expect(findUnfit(root, wanted)).toBeUndefined();
});

test("memory is a directory", () => {
	expect(unfit("tmpfs", "/etc/passwd", "tmpfs")).toBe("there is a file, and it is a directory");
	expect(unfit("tmpfs", "/etc", "tmpfs")).toBeUndefined();
});

test.each([
	[folder, "/etc"],
	[file, "/etc/passwd"],
	[folder, "/not/yet"],
	[file, "/not/yet"],
	[folder, "/dangling"],
	[join(folder, "gone"), "/etc/passwd"],
])("%s fits %s, or it is somebody else's to say", (source, destination) =>
	expect(unfit(source, destination)).toBeUndefined(),
);
