/** A scratch file system with an origin to be seen, the prepared views' folder and, when it is asked for, a process to mount into. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { mountFs, setPropagation, unmount } from "#lib/linux/mount/mount.ts";
import { mountsOf } from "#lib/linux/test-support/mounts-of.ts";
import { type MountsProcess, startMountsProcess } from "#lib/linux/test-support/mounts-process.ts";
import { createLog } from "#lib/log/log.ts";
import { LinuxViews } from "../kernel/linux-views.ts";
import type { View } from "../kernel/views.ts";

export interface Seen {
	readonly target: string;
	readonly options: string;
	readonly propagation: string;
}

export class ViewsScene implements AsyncDisposable {
	readonly base = mkdtempSync(join(tmpdir(), "wharf-views-"));
	readonly #resources = new AsyncDisposableStack();

	/** `origin` has `file`, `part/file`, and a tmpfs on `below`; `root` is a container's to be. */
	constructor() {
		mountFs("tmpfs", "scratch", this.base, ["size=16m", "mode=0755"]);
		setPropagation(this.base, "private");
		for (const name of ["origin", "origin/part", "origin/below", "root", "own", "host"]) mkdirSync(this.at(name));
		writeFileSync(this.at("origin/file"), "content");
		writeFileSync(this.at("origin/part/file"), "part");
		mountFs("tmpfs", "below", this.at("origin/below"));
	}

	at(name: string): string {
		return join(this.base, name);
	}

	get view(): View {
		const [recursion, propagation] = ["enabled", "rprivate"] as const;
		return { origin: this.at("origin"), subpath: "", readOnly: false, owners: undefined, recursion, propagation };
	}

	async views(): Promise<LinuxViews> {
		const log = createLog({ service: "test", level: "silent" });
		const views = await LinuxViews.open({ folder: this.at("own/mounts"), own: [this.at("own")], log });
		return this.#resources.use(views);
	}

	async container(): Promise<MountsProcess> {
		return this.#resources.use(await startMountsProcess(this.at("root")));
	}

	/** What findmnt says of the mounts at a place and below it. */
	mounts(place: string): Seen[] {
		const args = ["-J", "--list", "-o", "TARGET,VFS-OPTIONS,PROPAGATION"];
		const output = execFileSync("findmnt", args, { encoding: "utf8" });
		const { filesystems } = JSON.parse(output.replaceAll('"vfs-options"', '"options"')) as { filesystems: Seen[] };
		return filesystems.filter(({ target }) => target === place || target.startsWith(`${place}/`));
	}

	/** Everything that is mounted of the scene. */
	get all(): string[] {
		return mountsOf(this.base);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#resources.disposeAsync();
		unmount(this.base, { detach: true });
		rmSync(this.base, { recursive: true });
	}
}

/** What a program says that failed; nothing when it did not. */
export function failure(file: string, ...args: readonly string[]): string {
	try {
		execFileSync(file, args, { stdio: "pipe" });
		return "";
	} catch (error) {
		return String((error as { stderr?: unknown }).stderr);
	}
}
