/** Calls by descriptor and name, against what the system's own programs say. */
import { execFileSync } from "node:child_process";
import {
	closeSync,
	constants,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readFileSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { must, pointerTo } from "../libc.ts";
import { mountFs, unmount } from "../mount/mount.ts";
import { attributesAt, attributesOf, setAttribute, setAttributeAt } from "./attributes.ts";
import { directoryBeneath } from "./beneath.ts";
import { extentsOf, readAt } from "./content.ts";
import {
	dateOf,
	makeDirectory,
	makeFile,
	makeLink,
	makeNode,
	makeSymlink,
	ownName,
	ownOpen,
	permitName,
	permitOpen,
	removeName,
	resize,
	writeAt,
} from "./make.ts";
import { DT_REG, nameOf, namesIn, typeOf } from "./names.ts";
import { closeFile, linkTarget, openDirectory, openFile } from "./open.ts";
import { FileStatus, S_IFCHR, S_IFIFO, S_IFSOCK } from "./status.ts";

const [ENOENT, EEXIST, ENOTDIR, EXDEV, ELOOP, ENOTEMPTY, ENAMETOOLONG, EOPNOTSUPP] = [2, 17, 20, 18, 40, 39, 36, 95];

let folder: string;
let root: number;
const at = (name: string): string => join(folder, name);
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "wharf-files-"));
	root = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
});
afterEach(() => {
	closeSync(root);
	execFileSync("rm", ["-rf", folder]);
});

const sh = (script: string): string => execFileSync("sh", ["-euc", script, "sh"], { cwd: folder, encoding: "latin1" });
const told = (format: string, name: string): string =>
	execFileSync("stat", ["-c", format, at(name)], { encoding: "latin1" }).trimEnd();
const ok = (result: number): number => must(result, "call");

describe("status", () => {
	const SCRIPT = `echo text >file; chmod 6754 file; chown 4000000000:3000000 file; ln file second; mkdir dir; ln -s nowhere link
	mkfifo fifo; mknod device c 300 70000; truncate -s 10T hole`;
	test.each(["file", "dir", "link", "fifo", "device", "hole"])(
		"of %s is what stat says, by name and by descriptor",
		(name) => {
			sh(SCRIPT);
			const status = new FileStatus();
			const look = (): string =>
				[status.links, status.uid, status.gid, status.mode.toString(16), status.size, status.blocks].join(" ");
			expect(status.ofName(root, name)).toBe(0);
			expect(look()).toBe(told("%h %u %g %f %s %b", name));
			expect(`${status.major.toString(16)}:${status.minor.toString(16)}`).toBe(told("%t:%T", name));
			if (name !== "file" && name !== "dir" && name !== "hole") return;
			const fd = openSync(at(name), constants.O_RDONLY);
			try {
				const { identity, mountId } = status;
				expect(new FileStatus().ofDescriptor(fd)).toBe(0);
				expect(status.ofDescriptor(fd)).toBe(0);
				expect([look(), status.identity, status.mountId]).toEqual([told("%h %u %g %f %s %b", name), identity, mountId]);
			} finally {
				closeSync(fd);
			}
		},
	);

	test("second names have one identity; another file that gets the inode's number has another", () => {
		sh("echo >file; ln file second; echo >other");
		const status = new FileStatus();
		const of = (name: string): string => {
			ok(status.ofName(root, name));
			return status.identity;
		};
		expect([of("file") === of("second"), of("file") === of("other")]).toEqual([true, false]);
		const seen = new Set<string>();
		for (let round = 0; round < 50; round++) {
			sh("echo >again");
			seen.add(of("again"));
			sh("rm again; sleep 0.01");
		}
		expect(seen.size).toBe(50);
	});

	test("another mount has another number, and what is not there is an errno", () => {
		mkdirSync(at("mounted"));
		const status = new FileStatus();
		ok(status.ofName(root, "mounted"));
		const outside = status.mountId;
		mountFs("tmpfs", "none", at("mounted"));
		try {
			ok(status.ofName(root, "mounted"));
			expect(status.mountId).not.toBe(outside);
		} finally {
			unmount(at("mounted"));
		}
		expect([status.ofName(root, "nothing"), status.ofName(root, "x".repeat(256))]).toEqual([-ENOENT, -ENAMETOOLONG]);
	});
});

describe("names", () => {
	test("come in the order of their bytes, all of 5,000, each with its type", () => {
		for (let file = 0; file < 5_000; file++) writeFileSync(at(`${"n".repeat(file % 200)}${file}`), "");
		mkdirSync(at("dir"));
		const listed = namesIn(root);
		const wanted = execFileSync("ls", ["-A", "--sort=none", folder], { encoding: "latin1" })
			.trimEnd()
			.split("\n")
			.sort();
		expect(listed.map(nameOf)).toEqual(wanted);
		expect(listed.filter((one) => typeOf(one) !== DT_REG).map(nameOf)).toEqual(["dir"]);
	});

	test("may be anything but a slash and a zero byte", () => {
		const names = [[0xff, 0xfe], [0x0a], [0x01], [0x2e, 0x2e, 0x2e], [0x2e, 0x61], [0xc3, 0xa9], [0x80]].map((bytes) =>
			Buffer.from(bytes),
		);
		for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), name]), "");
		const wanted = names.sort((a, b) => a.compare(b)).map((name) => name.toString("latin1"));
		expect(namesIn(root).map(nameOf)).toEqual(wanted);
		const status = new FileStatus();
		for (const name of wanted) expect(status.ofName(root, name)).toBe(0);
	});

	test("of what is no directory, and of one that was removed, there are none", () => {
		writeFileSync(at("file"), "");
		mkdirSync(at("gone"));
		const [file, gone] = [ok(openFile(root, "file")), ok(openDirectory(root, "gone"))];
		try {
			expect(() => namesIn(file)).toThrow("ENOTDIR");
			ok(removeName(root, "gone", true));
			expect(() => namesIn(gone)).toThrow("ENOENT");
		} finally {
			for (const fd of [file, gone]) closeFile(fd);
		}
	});
});

describe("opening", () => {
	test("does not wait for a fifo's writer, and follows no symlink", () => {
		sh("mkfifo fifo; echo >file; mkdir dir; ln -s file link; ln -s dir dirlink");
		closeFile(ok(openFile(root, "fifo")));
		expect([openFile(root, "link"), openFile(root, "nothing")]).toEqual([-ELOOP, -ENOENT]);
		expect([openDirectory(root, "dirlink"), openDirectory(root, "file")]).toEqual([-ENOTDIR, -ENOTDIR]);
	});

	test("a symlink's target is bytes, up to the longest", () => {
		const longest = "\xff".repeat(4_095);
		ok(makeSymlink(longest, root, "longest"));
		sh("echo >file");
		expect([linkTarget(root, "longest"), linkTarget(root, "file"), linkTarget(root, "nothing")]).toEqual([
			longest,
			undefined,
			undefined,
		]);
		expect(makeSymlink("x".repeat(4_096), root, "longer")).toBe(-ENAMETOOLONG);
	});
});

describe("content", () => {
	const extents = (name: string, size: number) => {
		const fd = ok(openFile(root, name));
		try {
			return [...extentsOf(fd, size)];
		} finally {
			closeFile(fd);
		}
	};

	test("of a sparse file is where its data is", () => {
		sh("truncate -s 10M holes; printf x | dd of=holes bs=1 seek=1048576 conv=notrunc status=none");
		sh("printf x | dd of=holes bs=1 seek=9999999 conv=notrunc status=none; truncate -s 1G empty; printf abc >small");
		const found = extents("holes", 10 * 1024 * 1024);
		expect(
			found.map(({ start, length }) => [
				start <= 1_048_576 && start + length > 1_048_576,
				start <= 9_999_999 && start + length > 9_999_999,
			]),
		).toEqual([
			[true, false],
			[false, true],
		]);
		expect(found.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(200_000);
		expect([extents("empty", 2 ** 30), extents("small", 3)]).toEqual([[], [{ start: 0, length: 3 }]]);
		expect([extents("small", 0), extents("small", 2)]).toEqual([[], [{ start: 0, length: 2 }]]);
	});

	test("where the file system knows no holes, it is all data", () => {
		// Of files of proc nothing can be sought that way.
		const fd = openSync("/proc/self/status", constants.O_RDONLY);
		try {
			expect([...extentsOf(fd, 100)]).toEqual([{ start: 0, length: 100 }]);
		} finally {
			closeSync(fd);
		}
	});

	test("a file that was cut off has no data behind its end", () => {
		writeFileSync(at("file"), "short");
		expect(extents("file", 1_000_000).reduce((end, { start, length }) => Math.max(end, start + length), 0)).toBe(5);
	});

	test("is read from anywhere, and less of it only at the end", () => {
		writeFileSync(at("file"), "0123456789");
		const out = Buffer.alloc(20, ".");
		const fd = ok(openFile(root, "file"));
		try {
			const address = Number(pointerTo(out));
			expect([readAt(fd, address, 4, 3), out.toString("latin1", 0, 5)]).toEqual([4, "3456."]);
			expect([readAt(fd, address, 20, 8), readAt(fd, address, 20, 10)]).toEqual([2, 0]);
		} finally {
			closeFile(fd);
		}
		expect(() => readAt(root, Number(pointerTo(out)), 1, 0)).toThrow("EISDIR");
	});
});

describe("making", () => {
	test("every kind, for root alone at first; what is there stays", () => {
		const fd = ok(makeFile(root, "file"));
		ok(writeAt(fd, Buffer.from("content"), 3));
		closeFile(fd);
		ok(makeDirectory(root, "dir"));
		ok(makeSymlink("nowhere", root, "link"));
		ok(makeLink(root, "link", root, "second"));
		ok(makeNode(root, "fifo", S_IFIFO | 0o600));
		ok(makeNode(root, "socket", S_IFSOCK | 0o600));
		ok(makeNode(root, "device", S_IFCHR | 0o600, [4_000, 1_000_000]));
		expect(sh("find . -mindepth 1 -printf '%p %y %m %n\n' | sort")).toBe(
			[
				"./device c 600 1",
				"./dir d 700 2",
				"./fifo p 600 1",
				"./file f 600 1",
				"./link l 777 2",
				"./second l 777 2",
				"./socket s 600 1\n",
			].join("\n"),
		);
		expect([told("%Hr %Lr", "device"), readFileSync(at("file"), "latin1")]).toEqual(["4000 1000000", "\0\0\0content"]);
		for (const name of readdirSync(folder)) {
			expect([makeFile(root, name), makeDirectory(root, name), makeSymlink("x", root, name)]).toEqual([
				-EEXIST,
				-EEXIST,
				-EEXIST,
			]);
			expect([makeLink(root, "file", root, name), makeNode(root, name, S_IFIFO)]).toEqual([-EEXIST, -EEXIST]);
		}
		expect([makeLink(root, "nothing", root, "x"), removeName(root, "nothing"), removeName(root, "file", true)]).toEqual(
			[-ENOENT, -ENOENT, -ENOTDIR],
		);
		writeFileSync(at("dir/inside"), "");
		expect(removeName(root, "dir", true)).toBe(-ENOTEMPTY);
		for (const name of ["link", "fifo", "device"]) expect(removeName(root, name)).toBe(0);
		expect(readdirSync(folder).sort()).toEqual(["dir", "file", "second", "socket"]);
	});

	test("through a symlink nothing is made, owned or dated", () => {
		sh("mkdir dir; ln -s dir link; ln -s file dangling; echo >target; ln -s target other");
		expect([makeFile(root, "link"), makeFile(root, "dangling")]).toEqual([-EEXIST, -EEXIST]);
		ok(ownName(root, "other", 12, 34));
		ok(dateOf(root, "other", 5, 6));
		expect([told("%u:%g %Y", "other"), told("%u:%g", "target")]).toEqual(["12:34 5", "0:0"]);
		expect(told("%Y", "target")).not.toBe("5");
	});

	test("sizes, owners and modes", () => {
		const fd = ok(makeFile(root, "file"));
		try {
			ok(resize(fd, 9 * 2 ** 30));
			ok(ownOpen(fd, 4_000_000_000, 2_097_152));
			ok(permitOpen(fd, 0o7751));
		} finally {
			closeFile(fd);
		}
		expect(told("%s %u %g %a", "file")).toBe(`${9 * 2 ** 30} 4000000000 2097152 7751`);
		ok(permitName(root, "file", 0o640));
		expect(told("%a", "file")).toBe("640");
		ok(makeSymlink("file", root, "link"));
		expect(permitName(root, "link", 0o777)).toBe(-EOPNOTSUPP);
		expect(told("%a", "file")).toBe("640");
	});
});

describe("times", () => {
	test.each([
		[0, 0],
		[1, 999_999_999],
		[-1, 500_000_000],
		[-315_619_200, 1],
		[-(2 ** 31), 0],
		[2 ** 31, 123_456_789],
		[2 ** 32 + 7, 0],
		[15_000_000_000, 1],
	])("%d s and %d ns, of what is open and of a name", (seconds, nanoseconds) => {
		sh("echo >file; ln -s nowhere link");
		const fd = ok(openFile(root, "file"));
		ok(dateOf(fd, null, seconds, nanoseconds));
		closeFile(fd);
		ok(dateOf(root, "link", seconds, nanoseconds));
		const status = new FileStatus();
		for (const name of ["file", "link"]) {
			const wanted = `${seconds}.${String(nanoseconds).padStart(9, "0")}`;
			expect(sh(`find ${name} -printf '%T@'`).slice(0, -1)).toBe(wanted);
			ok(status.ofName(root, name));
			expect([status.mtimeSeconds, status.mtimeNanoseconds]).toEqual([seconds, nanoseconds]);
		}
	});

	test("when it was read stays", () => {
		sh("touch -a -d @1000000000 file");
		ok(dateOf(root, "file", 5, 0));
		expect(told("%X %Y", "file")).toBe("1000000000 5");
	});
});

describe("attributes", () => {
	test("of what is open and of names, of symlinks themselves, in the order of their names", () => {
		sh("echo >file; ln -s file link; mkfifo fifo");
		const values = new Map([
			["user.b", Buffer.from([0, 255, 10])],
			["user.a", Buffer.alloc(0)],
			["trusted.\xd0\xba=%\n", Buffer.from("x".repeat(3_000))],
		]);
		const fd = ok(openFile(root, "file"));
		try {
			for (const [name, value] of values) ok(setAttribute(fd, name, value));
			const found = attributesOf(fd);
			expect([...found.keys()]).toEqual([...values.keys()].sort());
			expect(new Map(found)).toEqual(values);
			expect(attributesAt(root, "file")).toEqual(found);
		} finally {
			closeFile(fd);
		}
		for (const name of ["link", "fifo"]) {
			expect(attributesAt(root, name).size).toBe(0);
			ok(setAttributeAt(root, name, "trusted.of", Buffer.from(name)));
			expect(attributesAt(root, name)).toEqual(new Map([["trusted.of", Buffer.from(name)]]));
		}
		expect(attributesAt(root, "nothing").size).toBe(0);
		expect(setAttributeAt(root, "file", "nonsense", Buffer.from("x"))).toBeLessThan(0);
	});

	test("a file system without any has none", () => {
		const fd = openSync("/proc/self/status", constants.O_RDONLY);
		expect(attributesOf(fd).size).toBe(0);
		closeSync(fd);
	});
});

describe("beneath", () => {
	const reach = (path: string): number => {
		const fd = directoryBeneath(root, path);
		if (fd >= 0) closeFile(fd);
		return Math.min(fd, 0);
	};

	test("a directory is found, and nothing else is", () => {
		sh("mkdir -p a/b/c; echo >file; ln -s a link; ln -s /etc absolute; ln -s .. up; ln -s /proc/self/root magic");
		symlinkSync("../..", at("a/b/up"));
		expect(["a", "a/b", "a/b/c", "."].map(reach)).toEqual([0, 0, 0, 0]);
		expect(["link", "link/b", "absolute", "up", "magic", "a/b/up"].map(reach)).toEqual(Array(6).fill(-ELOOP));
		expect(["..", "a/../..", "/", "/etc"].map(reach)).toEqual(Array(4).fill(-EXDEV));
		expect([reach("file"), reach("nothing"), reach("a/nothing/c"), reach("file/x")]).toEqual([
			-ENOTDIR,
			-ENOENT,
			-ENOENT,
			-ENOTDIR,
		]);
		expect([reach(""), reach("x".repeat(5_000))]).toEqual([-ENOENT, -ENAMETOOLONG]);
	});

	test("another mount is not entered", () => {
		mkdirSync(at("mounted"));
		mountFs("tmpfs", "none", at("mounted"));
		try {
			mkdirSync(at("mounted/inside"));
			expect([reach("mounted"), reach("mounted/inside")]).toEqual([-EXDEV, -EXDEV]);
		} finally {
			unmount(at("mounted"));
		}
		expect(reach("mounted")).toBe(0);
	});

	test("what it answers is a handle that things are made in, and cannot be read", () => {
		mkdirSync(at("dir"));
		const fd = ok(directoryBeneath(root, "dir"));
		try {
			ok(makeDirectory(fd, "inside"));
			expect(() => namesIn(fd)).toThrow("EBADF");
		} finally {
			closeFile(fd);
		}
		expect(readdirSync(at("dir"))).toEqual(["inside"]);
	});
});
