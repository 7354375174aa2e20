/**
 * Looks at a directory whose file system may be dead or may never answer.
 *
 * A child does it: a call that hangs in the kernel would keep one of this process's few threads for files, or its loop, for good.
 */
import { start } from "#lib/exec/run.ts";
import { lineOf } from "./words.ts";

export type Probe =
	| { readonly kind: "directory" /** Device and inode. */; readonly identity: string }
	| { readonly kind: "refused"; readonly problem: string }
	| { readonly kind: "silent" };

const PROBE_MS = 5_000;

/** Resolves in `timeoutMs`, also when the child cannot be ended before its file system answers. Symlinks are followed. */
export async function probeDirectory(path: string, timeoutMs = PROBE_MS): Promise<Probe> {
	const child = start("stat", ["-L", "--format=%Hd:%Ld:%i %F", "--", path], { stdout: "pipe" });
	let timer: NodeJS.Timeout | undefined;
	const late = new Promise<Probe>((resolve) => {
		timer = setTimeout(() => {
			child.kill("SIGKILL");
			child.stdout.destroy();
			resolve({ kind: "silent" });
		}, timeoutMs);
	});
	try {
		return await Promise.race([late, judged(child)]);
	} finally {
		clearTimeout(timer);
	}
}

async function judged(child: ReturnType<typeof start>): Promise<Probe> {
	let output = "";
	try {
		for await (const chunk of child.stdout) output += String(chunk);
	} catch {
		return { kind: "silent" };
	}
	const { exitCode, stderr } = await child.done;
	if (exitCode !== 0) return { kind: "refused", problem: lineOf(stderr.slice(stderr.lastIndexOf(": ") + 2)) };
	const [identity = "", ...kind] = output.trim().split(" ");
	if (kind.join(" ") !== "directory") return { kind: "refused", problem: `it is a ${kind.join(" ")}` };
	return { kind: "directory", identity };
}
