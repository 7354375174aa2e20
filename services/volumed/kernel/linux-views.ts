/**
 * Mounts of volumed's own: prepared ones, published ones where somebody wants them, and those in processes that run. They outlive
 * volumed, and no path that somebody else may change is resolved twice (`lib/linux/mount/into.ts`).
 */
import { mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { killPoint } from "#lib/config/kill-point.ts";
import { type Fault, isFault } from "#lib/fault/fault.ts";
import { MountThread } from "#lib/linux/mount/into.ts";
import { MountRefused } from "#lib/linux/mount/mount-refused.ts";
import type { MountMark } from "#lib/linux/mount/mountinfo.ts";
import type { Origin, Sight } from "#lib/linux/mount/origin.ts";
import { UserNamespaces } from "#lib/linux/mount/user-namespace.ts";
import { identifyProcess, type ProcessIdentity } from "#lib/linux/process.ts";
import type { Log } from "#lib/log/log.ts";
import type { MountPropagation } from "../attachment.ts";
import { volumeFaults } from "../faults.ts";
import { Looking } from "./looking.ts";
import { PreparedPlaces, removeEmpty } from "./prepared-places.ts";
import { publicationPlace } from "./publication-place.ts";
import { idMapOf, originOf, sightOf, viewFault } from "./sight.ts";
import { atSystem } from "./system-fault.ts";
import type { Published, Shown, View, Views } from "./views.ts";

export interface LinuxViewsParts {
	/** Where the prepared ones are; volumed's alone. */
	readonly folder: string;
	/** This instance's own directories: nothing is published below them, nor over them. They are there. */
	readonly own: readonly string[];
	readonly log: Log;
	readonly looking?: Looking;
}

/** Who says a problem of the destination, and in which process that is. */
interface Speaker {
	readonly pid?: number;
	/** The place, if others may have something mounted there. */
	readonly at?: string;
	readonly destination: (problem: string) => Fault;
}

export class LinuxViews implements Views, AsyncDisposable {
	readonly #places: PreparedPlaces;
	readonly #own: readonly string[];
	readonly #log: Log;
	readonly #thread = new MountThread();
	readonly #namespaces = new UserNamespaces();
	readonly #looking: Looking;

	private constructor(folder: string, own: readonly string[], log: Log, looking: Looking) {
		this.#looking = looking;
		this.#places = new PreparedPlaces(folder);
		this.#own = own;
		this.#log = log;
	}

	/** Makes the folder (0701: who is shown what is in it passes through, and sees no names). */
	static async open({ folder, own, log, looking = new Looking() }: LinuxViewsParts): Promise<LinuxViews> {
		return atSystem(`making ${folder}`, folder, async () => {
			await mkdir(folder, { recursive: true, mode: 0o701 });
			const real = await Promise.all([folder, ...own].map((path) => realpath(path)));
			return new LinuxViews(real[0] ?? folder, real, log, looking);
		});
	}

	async prepare(id: string, view: View): Promise<string> {
		const path = this.#places.pathOf(id);
		const place = { folder: this.#places.folder, path: id };
		const what = `mounting at ${path}`;
		const destination = (problem: string) => volumeFaults.KERNEL_REFUSED({ what, problem });
		await this.#mounting(view, { destination }, async (origin, sight) => {
			if ((await this.#thread.findAttached(origin, sight, place)) !== undefined) return;
			this.#places.remove(id);
			await this.#thread.attach(origin, sight, place);
			killPoint("volumed.views.prepared");
			this.#log.change("volume.view.prepare", { at: path, ...origin });
		});
		return path;
	}

	preparedPath(id: string): string {
		return this.#places.pathOf(id);
	}

	async discard(idOrAttachment: string): Promise<void> {
		const path = join(this.#places.folder, idOrAttachment);
		await atSystem(`unmounting ${path}`, path, async () => this.#places.remove(idOrAttachment));
		this.#log.change("volume.view.discard", { at: path });
	}

	async prepared(): Promise<string[]> {
		return this.#places.ids();
	}

	async publish(path: string, view: View, replaces?: MountMark): Promise<Published> {
		const place = await publicationPlace(path, this.#own, this.#looking);
		return this.#mounting(view, { destination: invalidPath(path) }, async (origin, sight) => {
			const attached = await this.#thread.attach(origin, sight, place, replaces);
			killPoint("volumed.views.published");
			this.#log.change("volume.publish", { at: path, ...origin });
			return attached;
		});
	}

	async findPublished(path: string, view: View): Promise<MountMark | undefined> {
		try {
			const place = await publicationPlace(path, this.#own, this.#looking);
			return await this.#mounting(view, { destination: invalidPath(path) }, (origin, sight) =>
				this.#thread.findAttached(origin, sight, place),
			);
		} catch (error) {
			// Where it cannot be, or what is not there, is not seen.
			if (["INVALID_PATH", "SOURCE_NOT_FOUND", "SUBPATH_REFUSED"].some((reason) => isFault(error, reason)))
				return undefined;
			throw error;
		}
	}

	async unpublish(path: string, shown: Shown, made: boolean, mark?: MountMark): Promise<void> {
		const place = await publicationPlace(path, this.#own, this.#looking).catch((error: unknown) => {
			if (isFault(error, "INVALID_PATH")) return undefined;
			throw error;
		});
		if (place === undefined) return;
		await this.#telling(shown, { destination: invalidPath(path) }, () =>
			this.#thread.detach(originOf(shown), place, mark),
		);
		killPoint("volumed.views.unpublished");
		if (made) removeEmpty(join(place.folder, place.path));
		this.#log.change("volume.unpublish", { at: path });
	}

	canPropagate(path: string, propagation: MountPropagation): Promise<boolean> {
		switch (propagation) {
			case "private":
			case "rprivate":
				return Promise.resolve(true);
			case "shared":
			case "rshared":
				return this.#thread.isShared(path, { isSlaveEnough: false });
			case "slave":
			case "rslave":
				return this.#thread.isShared(path, { isSlaveEnough: true });
		}
	}

	async identify(pid: number): Promise<ProcessIdentity | undefined> {
		return identifyProcess(pid);
	}

	async mountInto(process: ProcessIdentity, view: View, destination: string): Promise<MountMark> {
		const { mark } = await this.#mounting(view, inProcess(process, destination), (origin, sight) =>
			this.#thread.attach(origin, sight, { process, destination }),
		);
		killPoint("volumed.views.mounted-into");
		this.#log.change("volume.mount-into", { pid: process.pid, destination, ...originOf(view) });
		return mark;
	}

	async unmountFrom(process: ProcessIdentity, shown: Shown, destination: string, mark?: MountMark): Promise<void> {
		await this.#telling(shown, inProcess(process, destination), () =>
			this.#thread.detach(originOf(shown), { process, destination }, mark),
		);
		killPoint("volumed.views.unmounted-from");
		this.#log.change("volume.unmount-from", { pid: process.pid, destination });
	}

	/** Runs `body` with the view in the kernel's words, while there is a user namespace for its owners. */
	#mounting<T>(view: View, speaker: Speaker, body: (origin: Origin, sight: Sight) => Promise<T>): Promise<T> {
		const [origin, sight, map] = [originOf(view), sightOf(view), idMapOf(view)];
		return this.#telling(view, speaker, () =>
			map === undefined
				? body(origin, sight)
				: this.#namespaces.with(map, (idmap) => body(origin, { ...sight, idmap })),
		);
	}

	async #telling<T>(shown: Shown, speaker: Speaker, body: () => Promise<T>): Promise<T> {
		const paths = [join(shown.origin, shown.subpath), ...(speaker.at === undefined ? [] : [speaker.at])];
		try {
			await this.#looking.refuseSilent(paths);
			return await body();
		} catch (error) {
			if (error instanceof MountRefused && error.part === "silent") this.#looking.wasSilent(paths);
			throw viewFault(shown, error, speaker);
		}
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#thread[Symbol.asyncDispose]();
		await this.#namespaces[Symbol.asyncDispose]();
	}
}

function invalidPath(path: string): Speaker["destination"] {
	return (problem) => volumeFaults.INVALID_PATH({ path, problem });
}

function inProcess({ pid }: ProcessIdentity, destination: string): Speaker {
	return {
		pid,
		at: `/proc/${pid}/root${destination}`,
		destination: (problem) => volumeFaults.DESTINATION_UNFIT({ destination, problem }),
	};
}
