/** The thread that makes jails: see `jail.ts`. What it does between two messages is synchronous, so nothing is born inside. */
import { closeSync, lstatSync, mkdirSync, openSync, readlinkSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { parentPort } from "node:worker_threads";
import { LinuxError } from "../libc.ts";
import type { JailBind, JailReply } from "./jail.ts";
import { mountFs } from "./mount.ts";
import { inOwnMounts, pivotTo } from "./namespace.ts";
import { DetachedTree, setTreeAttributes, type TreeAttributes } from "./tree.ts";

/** Where programs and what they load are; on most systems links into /usr. */
const SYSTEM = ["/usr", "/bin", "/sbin", "/lib", "/lib64"];
/** Any directory that every system has: in the new namespace it is covered, then everything but the cover is left behind. */
const SCRATCH = "/proc";

type Piece = { readonly name: string } & (
	| { readonly link: string }
	| { readonly tree: DetachedTree; readonly attributes: TreeAttributes }
);

function make(binds: readonly JailBind[]): number {
	using trees = new DisposableStack();
	// Copied where the sources are: a descriptor of another namespace cannot be cloned, but a copy can go into any.
	const pieces = [
		...SYSTEM.map((path) => systemPiece(path, trees)).filter((piece) => piece !== undefined),
		...binds.map(({ source, name, writable }): Piece => {
			const attributes = { readOnly: !writable, nosuid: true, nodev: true, noexec: true };
			return { name, tree: trees.use(DetachedTree.clone(source)), attributes };
		}),
	];
	return inOwnMounts(() => {
		const namespace = openSync("/proc/thread-self/ns/mnt", "r");
		try {
			mountFs("tmpfs", "jail", SCRATCH, ["nosuid", "nodev", "size=64k", "mode=0755"]);
			for (const piece of pieces) place(piece);
			setTreeAttributes(SCRATCH, { readOnly: true });
			pivotTo(SCRATCH);
			return namespace;
		} catch (error) {
			closeSync(namespace);
			throw error;
		}
	});
}

function systemPiece(path: string, trees: DisposableStack): Piece | undefined {
	const stat = lstatSync(path, { throwIfNoEntry: false });
	if (stat === undefined) return undefined;
	if (stat.isSymbolicLink()) return { name: path, link: readlinkSync(path) };
	const attributes = { readOnly: true, nosuid: true, nodev: true, recursive: true };
	return { name: path, tree: trees.use(DetachedTree.clone(path, { recursive: true })), attributes };
}

function place(piece: Piece): void {
	const target = join(SCRATCH, piece.name);
	if ("link" in piece) {
		symlinkSync(piece.link, target);
		return;
	}
	mkdirSync(target);
	piece.tree.set(piece.attributes);
	piece.tree.attach(target);
}

function reply(binds: readonly JailBind[]): JailReply {
	try {
		return { fd: make(binds) };
	} catch (error) {
		if (error instanceof LinuxError) return { errno: error.errno, call: error.call };
		return { bug: String(error) };
	}
}

// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window
parentPort?.on("message", (binds: readonly JailBind[]) => parentPort?.postMessage(reply(binds)));
