/** What images have where a volume is to be, and bringing it into the volume. Links of the image are followed inside it. */
import { closeSync } from "node:fs";
import { killPoint } from "#lib/config/kill-point.ts";
import { start } from "#lib/exec/run.ts";
import { copyDirectoryAttributes } from "#lib/linux/attributes.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { openInside } from "#lib/linux/looks.ts";
import { type Jailer, jailed } from "#lib/linux/mount/jail.ts";
import { volumeFaults } from "../faults.ts";
import type { Found, Image } from "./disk.ts";
import { type Looking, Silence, SILENT } from "./looking.ts";
import { atSystem, systemFault } from "./system-fault.ts";

/** What cp needs to make a tree like another one: capabilities(7). CAP_SYS_ADMIN is for xattrs of the trusted namespace. */
const COPY_CAPABILITIES = [
	"chown",
	"dac_override",
	"dac_read_search",
	"fowner",
	"fsetid",
	"mknod",
	"setfcap",
	"sys_admin",
];

const CLOSED = "the kernel lets nobody look there";

export class ImageContent {
	readonly #jailer: Jailer;
	readonly #looking: Looking;

	constructor(jailer: Jailer, looking: Looking) {
		this.#jailer = jailer;
		this.#looking = looking;
	}

	async look(root: string, paths: readonly string[]): Promise<readonly Found[]> {
		try {
			return await this.#looking.look("allFoundInRoot", root, paths);
		} catch (error) {
			const problem = error instanceof Silence ? SILENT : isErrno(error, "EACCES", "EPERM") ? CLOSED : undefined;
			if (problem === undefined)
				throw systemFault(`looking at ${paths.join(", ").slice(0, 200)} of ${root}`, root, error);
			throw volumeFaults.INVALID_PATH({ path: root, problem }, { field: "image_root", cause: error });
		}
	}

	async likeImage(path: string, { root, path: inside }: Image): Promise<void> {
		using found = openImage(root, inside);
		if (found === undefined) return;
		await atSystem(`changing ${path}`, path, async () => {
			copyDirectoryAttributes(found.fd, path);
		});
		killPoint("volumed.disk.like-image");
	}

	async fill(target: string, { root, path }: Image, signal?: AbortSignal): Promise<void> {
		using source = openImage(root, path);
		if (source === undefined) return;
		using jail = await this.#jailer.create([
			{ source: source.fd, name: "image", writable: false },
			{ source: target, name: "volume", writable: true },
		]);
		const command = jailed("cp", ["-a", "--reflink=auto", "-T", "/image", "/volume"], COPY_CAPABILITIES);
		const child = start(command.file, command.args, { stdout: "ignore", extra: [jail.fd], signal });
		const { exitCode, stderr } = await child.done;
		signal?.throwIfAborted();
		if (exitCode !== 0) throw volumeFaults.COPY_FAILED({ path: target, words: stderr.trim().slice(-500) });
		killPoint("volumed.disk.fill");
	}
}

/** What is at `path` of the image, by a handle; undefined when there is nothing. Whatever links it has, it is inside. */
function openImage(root: string, path: string): (Disposable & { readonly fd: number }) | undefined {
	const fd = openInside(root, path);
	return fd === undefined ? undefined : { fd, [Symbol.dispose]: () => closeSync(fd) };
}
