/** A process with mounts of its own, as a container's is: for tests of mounting into it, which look from inside. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { identifyProcess, type ProcessIdentity } from "../process.ts";

export interface MountsProcess extends AsyncDisposable {
	readonly pid: number;
	readonly identity: ProcessIdentity;
	/** What a program says that runs where the process is, in its root; it throws with what it says when it fails. */
	sh(script: string): string;
	/** The mounts of a folder and below it, as findmnt in the process sees them. */
	mounts(folder: string): { target: string; options: string }[];
}

/**
 * Its root is `root`, a directory of this host that gets the system's programs, read-only: by a pivot, or by chroot in a copy of this
 * host's mounts. `flags` are of unshare(1). `user` is the descriptor of a user namespace that it is to be in, as its root.
 */
export async function startMountsProcess(
	root: string,
	{ chroot = false, flags = [], user }: { chroot?: boolean; flags?: string[]; user?: number } = {},
): Promise<MountsProcess> {
	// It ends with whoever started it, whatever becomes of that.
	const wait = "echo in; exec cat";
	const enter = chroot ? `exec chroot ${root} sh -c '${wait}'` : `${pivot(root)}; ${wait}`;
	const script = `set -e; ${furnish(root)}; ${enter}`;
	const args = ["unshare", "--mount", "--propagation", "private", ...flags, "--", "sh", "-c", script];
	const within = user === undefined ? [] : [`--user=/proc/${process.pid}/fd/${user}`, "--setuid=0", "--setgid=0"];
	const child = spawn("nsenter", [...within, "--", ...args], { stdio: ["pipe", "pipe", "inherit"] });
	const [first] = await Promise.race([once(child.stdout, "data"), once(child, "exit")]);
	if (String(first) !== "in\n") throw new Error(`the process did not start: ${String(first)}`);
	const pid = child.pid ?? 0;
	const identity = identifyProcess(pid);
	if (identity === undefined) throw new Error("the process has ended");
	const sh = (text: string): string => {
		const within = [
			"-t",
			String(pid),
			"--mount",
			"--root",
			"--wd=/",
			...(user === undefined ? [] : ["--user"]),
			"--",
			"sh",
			"-c",
			text,
		];
		return execFileSync("nsenter", within, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
	};
	return {
		pid,
		identity,
		sh,
		mounts: (folder) => findmnt(pid).filter(({ target }) => target === folder || target.startsWith(`${folder}/`)),
		[Symbol.asyncDispose]: async () => {
			if (child.exitCode !== null || child.signalCode !== null) return;
			child.kill("SIGKILL");
			await once(child, "exit");
		},
	};
}

function furnish(root: string): string {
	return `mount --rbind ${root} ${root}; for d in usr bin sbin lib lib64; do [ -e /$d ] || continue; if [ -L /$d ]; then [ -L ${root}/$d ] || cp -P /$d ${root}/$d; else mkdir -p ${root}/$d; mount --bind -o ro /$d ${root}/$d; fi; done; mkdir -p ${root}/proc; mount --rbind /proc ${root}/proc`;
}

function pivot(root: string): string {
	return `cd ${root}; mkdir -p .old; pivot_root . .old; umount -l /.old; rmdir /.old`;
}

function findmnt(pid: number): { target: string; options: string }[] {
	const args = ["--task", String(pid), "-J", "--list", "-o", "TARGET,VFS-OPTIONS"];
	const output = execFileSync("findmnt", args, { encoding: "utf8" });
	return JSON.parse(output.replaceAll('"vfs-options"', '"options"')).filesystems;
}
