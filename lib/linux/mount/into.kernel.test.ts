import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
	closeSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	openSync,
	readdirSync,
	readFileSync,
	rmdirSync,
	rmSync,
	statSync,
	symlinkSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { identifyProcess } from "../process.ts";
import { descriptorTargets } from "../test-support/descriptors.ts";
import { type MountsProcess, startMountsProcess } from "../test-support/mounts-process.ts";
import { mountsOf } from "../test-support/mounts-of.ts";
import { MountThread } from "./into.ts";
import { bindMount, mountFs, setPropagation, unmount } from "./mount.ts";
import { mountinfo } from "./mountinfo.ts";
import type { Sight } from "./origin.ts";
import { UserNamespaces } from "./user-namespace.ts";

const PLAIN: Sight = { recursive: true, readOnly: "no", propagation: "private", deep: true };
const READ_ONLY: Sight = { ...PLAIN, readOnly: "all" };

let base: string;
let thread: MountThread;
let container: MountsProcess;
let atRest: { mounts: string[]; fds: number };

const at = (name: string): string => join(base, name);
const volume = () => ({ path: at("volume"), subpath: "" });
const inside = (destination: string, process = container) => ({ process: process.identity, destination });
const refused = (part: string, problem: string) => ({ part, problem: expect.stringContaining(problem) as string });
/** Of files, namespaces and processes: the test's children have pipes, which close when they like. */
const openFds = () =>
	descriptorTargets().filter((target) => /^(\/|mnt:|user:|anon_inode:\[pidfd\])/.test(target)).length;

/** What the program says that failed. */
function failure(body: () => unknown): string {
	try {
		return `no failure: ${String(body())}`;
	} catch (error) {
		return String((error as { stderr?: unknown }).stderr);
	}
}

beforeAll(async () => {
	base = mkdtempSync(join(tmpdir(), "wharf-into-"));
	mountFs("tmpfs", "scratch", base, ["size=16m", "mode=0755"]);
	setPropagation(base, "private");
	for (const name of ["volume", "volume/part", "volume/below", "root"]) mkdirSync(at(name));
	writeFileSync(at("volume/file"), "content");
	writeFileSync(at("volume/part/file"), "part");
	mountFs("tmpfs", "below", at("volume/below"));
	thread = new MountThread();
	container = await startMountsProcess(at("root"));
	await thread.attach(volume(), PLAIN, inside("/warm"));
	await thread.detach(volume(), inside("/warm"));
});
afterAll(async () => {
	await thread[Symbol.asyncDispose]();
	await container[Symbol.asyncDispose]();
	unmount(at("volume/below"));
	unmount(base, { detach: true });
	rmSync(base, { recursive: true });
});
beforeEach(() => {
	atRest = { mounts: mountsOf(base), fds: openFds() };
});
// Nothing of any of them is ever seen here, and no descriptor stays.
afterEach(() => expect.poll(() => ({ mounts: mountsOf(base), fds: openFds() })).toEqual(atRest));

describe("in a process that runs", () => {
	test("a directory is seen at a destination that is made for it, and goes again", async () => {
		expect((await thread.attach(volume(), PLAIN, inside("/srv/deep/data"))).made).toBe(true);
		expect(container.sh("cat /srv/deep/data/file; stat -c '%a %u:%g' /srv /srv/deep")).toBe(
			"content755 0:0\n755 0:0\n",
		);
		container.sh("echo written > /srv/deep/data/written");
		expect(readFileSync(at("volume/written"), "utf8")).toBe("written\n");
		expect(container.mounts("/srv").map(({ target }) => target)).toEqual(["/srv/deep/data", "/srv/deep/data/below"]);
		expect((await thread.attach(volume(), PLAIN, inside("/srv/deep/data"))).made).toBe(false);
		expect(container.mounts("/srv")).toHaveLength(2);
		expect(await thread.detach(volume(), inside("/srv/deep/data"))).toBe(true);
		expect(container.mounts("/srv")).toEqual([]);
		expect(await thread.detach(volume(), inside("/srv/deep/data"))).toBe(false);
		expect(await thread.detach(volume(), inside("/srv/never/was"))).toBe(false);
	});

	test("read only is so all the way down, or at the top alone, or of what is not there below", async () => {
		await thread.attach(volume(), READ_ONLY, inside("/ro"));
		expect(failure(() => container.sh("touch /ro/x"))).toContain("Read-only file system");
		expect(failure(() => container.sh("touch /ro/below/x"))).toContain("Read-only file system");
		expect(container.mounts("/ro").map(({ options }) => options.split(",")[0])).toEqual(["ro", "ro"]);
		await thread.detach(volume(), inside("/ro"));

		await thread.attach(volume(), { ...PLAIN, readOnly: "top" }, inside("/ro"));
		expect(failure(() => container.sh("touch /ro/x"))).toContain("Read-only file system");
		container.sh("touch /ro/below/x");
		expect(existsSync(at("volume/below/x"))).toBe(true);
		await thread.detach(volume(), inside("/ro"));

		await thread.attach(volume(), { ...READ_ONLY, recursive: false }, inside("/ro"));
		expect(container.mounts("/ro")).toHaveLength(1);
		expect(container.sh("ls /ro/below")).toBe("");
		await thread.detach(volume(), inside("/ro"));
	});

	test("a part of the origin, and a file on a file that is made", async () => {
		await thread.attach({ path: at("volume"), subpath: "part" }, PLAIN, inside("/part"));
		expect(container.sh("ls /part")).toBe("file\n");
		await thread.attach({ path: at("volume/file"), subpath: "" }, READ_ONLY, inside("/etc/a/conf"));
		expect(container.sh("cat /etc/a/conf")).toBe("content");
		expect(await thread.detach({ path: at("volume/file"), subpath: "" }, inside("/etc/a/conf"))).toBe(true);
		expect(container.sh("stat -c %s /etc/a/conf")).toBe("0\n");
		expect(await thread.detach({ path: at("volume"), subpath: "part" }, inside("/part"))).toBe(true);
	});

	test("links and dots at the destination end inside its root", async () => {
		mkdirSync(at("root/real"));
		symlinkSync("/real", at("root/absolute"));
		symlinkSync("../../../../../../real", at("root/climbing"));
		for (const destination of ["/absolute/x", "/climbing/x", "/../../real/x"]) {
			await thread.attach(volume(), PLAIN, inside(destination));
			expect(container.mounts("/real")[0]?.target).toBe("/real/x");
			expect(await thread.detach(volume(), inside(destination))).toBe(true);
		}
		expect(existsSync("/real")).toBe(false);
	});

	test("a chroot'ed process sees it below its own root", async () => {
		mkdirSync(at("cage"));
		await using caged = await startMountsProcess(at("cage"), { chroot: true });
		await thread.attach(volume(), READ_ONLY, inside("/data", caged));
		expect(caged.sh("cat /data/file")).toBe("content");
		expect(caged.mounts("/data")).toHaveLength(2);
		expect(await thread.detach(volume(), inside("/data", caged))).toBe(true);
	});

	test("in a user namespace what is made is its root's, and it is taken away again", async () => {
		mkdirSync(at("mapped"));
		execFileSync("chown", ["100000:100000", at("mapped")]);
		const ids = [{ onDisk: 0, seen: 100_000, count: 1000 }];
		await using namespaces = new UserNamespaces();
		await namespaces.with({ uids: ids, gids: ids }, async (user) => {
			await using mapped = await startMountsProcess(at("mapped"), { user });
			await thread.attach(volume(), READ_ONLY, inside("/made/data", mapped));
			expect(statSync(at("mapped/made")).uid).toBe(100_000);
			expect(mapped.mounts("/made")).toHaveLength(2);
			expect(mapped.sh("stat -c %u /made; id -u; cat /made/data/file")).toBe("0\n0\ncontent");
			expect(failure(() => mapped.sh("touch /made/data/x"))).toContain("Read-only file system");
			expect(await thread.detach(volume(), inside("/made/data", mapped))).toBe(true);
		});
	});

	test("a stopped and a frozen process take part as any other", async () => {
		mkdirSync(at("cold"));
		const group = join(mountinfo().find(({ type }) => type === "cgroup2")?.target ?? "", `wharf-into-${process.pid}`);
		await using cold = await startMountsProcess(at("cold"));
		mkdirSync(group);
		try {
			writeFileSync(join(group, "cgroup.procs"), String(cold.pid));
			writeFileSync(join(group, "cgroup.freeze"), "1");
			while (!readFileSync(join(group, "cgroup.events"), "utf8").includes("frozen 1")) await sleep(5);
			await thread.attach(volume(), READ_ONLY, inside("/data", cold));
			expect(cold.mounts("/data")).toHaveLength(2);
			expect(await thread.detach(volume(), inside("/data", cold))).toBe(true);
			writeFileSync(join(group, "cgroup.freeze"), "0");
		} finally {
			await cold[Symbol.asyncDispose]();
			while (readFileSync(join(group, "cgroup.procs"), "utf8") !== "") await sleep(5);
			rmdirSync(group);
		}
	});
});

describe("owners", () => {
	test("on the disk and in the process are those of the map; others have none", async () => {
		mkdirSync(at("owned"));
		writeFileSync(at("owned/five"), "");
		execFileSync("chown", ["5:6", at("owned/five")]);
		await using namespaces = new UserNamespaces();
		const ranges = [{ onDisk: 0, seen: 100_000, count: 1000 }];
		const origin = { path: at("owned"), subpath: "" };
		await namespaces.with({ uids: ranges, gids: ranges }, async (idmap) => {
			await thread.attach(origin, { ...PLAIN, idmap }, inside("/owned"));
			expect(container.sh("stat -c %u:%g /owned/five")).toBe("100005:100006\n");
			expect(failure(() => container.sh("touch /owned/root"))).toContain("Value too large");
			container.sh("chmod 777 /owned; setpriv --reuid 100007 --regid 100008 --clear-groups touch /owned/seven");
			expect(execFileSync("stat", ["-c", "%u:%g", at("owned/seven")], { encoding: "utf8" })).toBe("7:8\n");
			expect(await thread.detach(origin, inside("/owned"))).toBe(true);
			await expect(
				thread.attach({ path: "/proc/fs", subpath: "" }, { ...PLAIN, idmap }, inside("/kernel")),
			).rejects.toMatchObject(refused("owners", "no idmapped mounts"));
		});
		expect(container.sh("ls -d /kernel || true")).toBe("");
	});

	test("a map is made once and again when it is asked for; what is no map is an error", async () => {
		const namespaces = new UserNamespaces();
		const range = (seen: number) => ({ uids: [{ onDisk: 0, seen, count: 1 }], gids: [{ onDisk: 0, seen, count: 1 }] });
		const of = (seen: number) => namespaces.with(range(seen), async (fd) => fd);
		expect(await of(1)).toBe(await of(1));
		for (let seen = 2; seen < 40; seen++) await of(seen);
		expect(openFds()).toBe(atRest.fds + 16);
		const twice = [...range(1).uids, ...range(1).uids];
		await expect(namespaces.with({ uids: twice, gids: twice }, async () => undefined)).rejects.toMatchObject(
			refused("owners", "EINVAL"),
		);
		await namespaces[Symbol.asyncDispose]();
	});
});

describe("is refused, and leaves nothing", () => {
	test("an origin that is missing, and a part that leads out or over a link", async () => {
		symlinkSync("/etc", at("volume/link"));
		const attach = (path: string, subpath: string) => thread.attach({ path: at(path), subpath }, PLAIN, inside("/new"));
		await expect(attach("gone", "")).rejects.toMatchObject(refused("origin", "there is no"));
		await expect(attach("volume", "gone")).rejects.toMatchObject(refused("subpath", "no such file"));
		await expect(attach("volume", "../root")).rejects.toMatchObject(refused("subpath", "it leads out"));
		await expect(attach("volume", "link")).rejects.toMatchObject(refused("subpath", "symlink"));
		await expect(attach("volume", "link/passwd")).rejects.toMatchObject(refused("subpath", "symlink"));
		await expect(attach("volume", "file/x")).rejects.toMatchObject(refused("subpath", "no directory"));
		expect(existsSync(at("root/new"))).toBe(false);
	});

	test("a destination of the wrong kind, and one that leads nowhere", async () => {
		writeFileSync(at("root/plain"), "");
		mkdirSync(at("root/folder"));
		symlinkSync("/nowhere", at("root/dangling"));
		const attach = (path: string, destination: string) =>
			thread.attach({ path: at(path), subpath: "" }, PLAIN, inside(destination));
		await expect(attach("volume", "/plain")).rejects.toMatchObject(refused("destination", "it is a file"));
		await expect(attach("volume", "/plain/x")).rejects.toMatchObject(refused("destination", "no directory"));
		await expect(attach("volume/file", "/folder")).rejects.toMatchObject(refused("destination", "it is a directory"));
		await expect(attach("volume", "/dangling/x/y")).rejects.toMatchObject(refused("destination", "links lead nowhere"));
		await expect(attach("volume", "/")).rejects.toMatchObject(refused("destination", "it is the root"));
		await expect(attach("volume", "/proc/sys")).rejects.toMatchObject(refused("destination", "procfs"));
		await expect(attach("volume", "/proc/self/root/x")).rejects.toMatchObject(refused("destination", "links lead"));
		await expect(attach("volume", "/usr/made/x")).rejects.toMatchObject(refused("destination", "read-only"));
		await expect(attach("volume", `/folder/a/b/${"n".repeat(300)}`)).rejects.toMatchObject(
			refused("destination", "too long"),
		);
		expect(readdirSync(at("root/folder"))).toEqual([]);
		expect(existsSync(at("root/nowhere"))).toBe(false);
	});

	test("a destination that this host would see", async () => {
		for (const name of ["common", "sharing", "sharing/common"]) mkdirSync(at(name));
		mountFs("tmpfs", "common", at("common"));
		setPropagation(at("common"), "shared");
		bindMount(at("common"), at("sharing/common"));
		await using sharing = await startMountsProcess(at("sharing"), { flags: ["--propagation", "unchanged"] });
		const here = "shared with this host";
		await expect(thread.attach(volume(), PLAIN, inside("/common/x", sharing))).rejects.toMatchObject(
			refused("destination", here),
		);
		await expect(thread.attach(volume(), PLAIN, inside("/common", sharing))).rejects.toMatchObject(
			refused("destination", here),
		);
		expect(readdirSync(at("common"))).toEqual([]);
		unmount(at("sharing/common"), { detach: true });
		unmount(at("common"), { detach: true });
	});

	test("a process that is none: ended, another one's pid, a zombie, the kernel's own, this host's", async () => {
		const attach = (pid: number, start = "") =>
			thread.attach(volume(), PLAIN, { process: { pid, start }, destination: "/n" });
		const none = refused("process", "no such process");
		const { identity } = container;
		await expect(attach(container.pid, `${identity.start}0`)).rejects.toMatchObject(none);
		await expect(attach(0)).rejects.toMatchObject(none);
		await expect(attach(-1)).rejects.toMatchObject(none);
		await expect(attach(2 ** 22 - 1)).rejects.toMatchObject(none);
		expect(identifyProcess(2)).toBeUndefined();
		// Whoever asks with what the kernel's thread would have.
		const kernel = readFileSync("/proc/2/stat", "utf8").split(" ")[21] ?? "";
		await expect(attach(2, identity.start.replace(/:.*/, `:${kernel}`))).rejects.toMatchObject(none);
		const own = identifyProcess(process.pid);
		await expect(attach(process.pid, own?.start)).rejects.toMatchObject(refused("destination", "no mounts of its own"));
		expect(existsSync("/n")).toBe(false);

		// A shell that does not look after its child; it says which.
		const parent = spawn("perl", ["-e", '$| = 1; $p = fork; if (!$p) { sleep 60; exit } print "$p\\n"; sleep 60'], {
			stdio: ["ignore", "pipe", "inherit"],
		});
		try {
			const [said] = await once(parent.stdout, "data");
			const zombie = Number(String(said));
			const before = identifyProcess(zombie);
			process.kill(zombie, "SIGKILL");
			while (identifyProcess(zombie) !== undefined) await sleep(2);
			expect(readFileSync(`/proc/${zombie}/stat`, "utf8")).toContain(") Z ");
			await expect(attach(zombie, before?.start)).rejects.toMatchObject(none);
			expect(await thread.detach(volume(), { process: before ?? identity, destination: "/n" })).toBe(false);
		} finally {
			parent.kill("SIGKILL");
			await once(parent, "exit");
		}
	});

	test("a process that ends meanwhile", async () => {
		const outcomes = new Set<string>();
		for (let round = 0; round < 12; round++) {
			mkdirSync(at(`short-${round}`));
			await using short = await startMountsProcess(at(`short-${round}`));
			const asked = Array.from({ length: 8 }, (_, index) =>
				thread.attach(volume(), READ_ONLY, inside(`/data/${index}`, short)).then(
					() => "mounted",
					(error: unknown) => (error as { part?: string }).part ?? String(error),
				),
			);
			await asked[round % 8];
			process.kill(short.pid, "SIGKILL");
			for (const outcome of await Promise.all(asked)) outcomes.add(outcome);
		}
		expect([...outcomes].sort()).toEqual(["mounted", "process"]);
	});
});

describe("on a file system whose server does not answer", () => {
	let server: number;
	let isThere = false;
	/** Whoever waits for it is answered that it has gone. */
	const end = (): void => {
		if (isThere) closeSync(server);
		isThere = false;
	};
	beforeEach(() => {
		mkdirSync(at("hung"));
		server = openSync("/dev/fuse", "r+");
		isThere = true;
		mountFs("fuse", "hung", at("hung"), [`fd=${server}`, "rootmode=40000", "user_id=0", "group_id=0"]);
	});
	afterEach(() => {
		end();
		unmount(at("hung"), { detach: true });
		rmdirSync(at("hung"));
	});

	test("all of it is mounted, and goes", async () => {
		await thread.attach({ path: at("hung"), subpath: "" }, READ_ONLY, inside("/hung"));
		expect(container.mounts("/hung")).toHaveLength(1);
		end();
		expect(await thread.detach({ path: at("hung"), subpath: "" }, inside("/hung"))).toBe(true);
		expect(container.mounts("/hung")).toEqual([]);
	});

	test("a part of it is refused in time, and others need not wait", async () => {
		// Longer than a thread's start takes on a busy machine: who comes next has a new one.
		await using impatient = new MountThread(3_000);
		const part = impatient.attach({ path: at("hung"), subpath: "part" }, PLAIN, inside("/part-of-it"));
		const other = impatient.attach(volume(), PLAIN, inside("/other"));
		await expect(part).rejects.toMatchObject(refused("silent", "does not answer"));
		expect((await other).made).toBe(true);
		expect(await impatient.detach(volume(), inside("/other"))).toBe(true);
		end();
		expect(container.mounts("/part-of-it")).toEqual([]);
	});
});

test("what was refused for the time that it took does not come after all", async () => {
	// Its thread takes longer to start, and then finds everything as it wants it.
	const impatient = new MountThread(1);
	await expect(impatient.attach(volume(), PLAIN, inside("/late"))).rejects.toMatchObject(refused("silent", "answer"));
	await sleep(500);
	expect(container.mounts("/late")).toEqual([]);
	expect(existsSync(at("root/late"))).toBe(false);
	await impatient[Symbol.asyncDispose]();
});

describe("is taken away", () => {
	test("only when it is the uppermost, and the one that is meant; busy or not", async () => {
		await thread.attach(volume(), PLAIN, inside("/stack"));
		container.sh("mount -t tmpfs over /stack");
		expect(await thread.detach(volume(), inside("/stack"))).toBe(false);
		expect(container.mounts("/stack").at(-1)?.target).toBe("/stack");
		container.sh("umount /stack");
		expect(await thread.detach({ path: at("volume/part"), subpath: "" }, inside("/stack"))).toBe(false);
		expect(await thread.detach(volume(), inside("/stack/part"))).toBe(false);
		const user = spawn("nsenter", [
			"-t",
			String(container.pid),
			"-m",
			"-r",
			"--",
			"sh",
			"-c",
			"cd /stack; echo; sleep 60",
		]);
		try {
			await once(user.stdout, "data");
			expect(await thread.detach(volume(), inside("/stack"))).toBe(true);
			expect(container.mounts("/stack")).toEqual([]);
		} finally {
			user.kill("SIGKILL");
			await once(user, "exit");
		}
	});

	test("also when its origin is not there any more", async () => {
		mkdirSync(at("passing"));
		mkdirSync(at("passing/inner"));
		const origin = { path: at("passing"), subpath: "inner" };
		await thread.attach(origin, PLAIN, inside("/passing"));
		rmSync(at("passing"), { recursive: true });
		expect(await thread.detach(origin, inside("/passing"))).toBe(true);
		expect(container.mounts("/passing")).toEqual([]);
	});
});

/** Which mount it is: its number, device and root. */
const MARK = /^\d+ \d+:\d+ \//;

describe("at a place of this host", () => {
	test("by a folder whose links are followed and a path whose links are not", async () => {
		mkdirSync(at("place"));
		symlinkSync(at("place"), at("way"));
		symlinkSync("/etc", at("place/link"));
		const here = { folder: at("way"), path: "a/b" };
		expect(await thread.findAttached(volume(), READ_ONLY, here)).toBeUndefined();
		expect((await thread.attach(volume(), READ_ONLY, here)).made).toBe(true);
		expect(await thread.findAttached(volume(), READ_ONLY, here)).toMatch(MARK);
		expect(await thread.findAttached(volume(), PLAIN, here)).toBeUndefined();
		expect(await thread.findAttached({ path: at("volume/part"), subpath: "" }, READ_ONLY, here)).toBeUndefined();
		const gone = thread.findAttached({ path: at("volume/gone"), subpath: "" }, READ_ONLY, here);
		await expect(gone).rejects.toMatchObject(refused("origin", "there is no"));
		expect(failure(() => execFileSync("touch", [at("place/a/b/below/x")], { stdio: "pipe" }))).toContain("Read-only");
		expect((await thread.attach(volume(), READ_ONLY, here)).made).toBe(false);
		expect(await thread.detach(volume(), here)).toBe(true);
		expect(await thread.findAttached(volume(), READ_ONLY, here)).toBeUndefined();
		for (const path of ["link", "link/made", "../place/x"]) {
			const attached = thread.attach(volume(), PLAIN, { folder: at("place"), path });
			await expect(attached).rejects.toMatchObject({ part: "destination" });
		}
		expect(existsSync("/etc/made")).toBe(false);
	});
});
