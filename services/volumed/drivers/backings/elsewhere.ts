/** What the user says with `type`, `device` and `o`: a directory of the host, a device, memory, or a server; mounted at `_data` while the volume is in use. */
import { readFileSync } from "node:fs";
import { killPoint } from "#lib/config/kill-point.ts";
import { Fault } from "#lib/fault/fault.ts";
import type { Aside } from "#lib/linux/aside.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { volumeFaults } from "../../faults.ts";
import type { Disk } from "../../kernel/disk.ts";
import { LOCAL_TYPES, type MountOptions, maskedDevice } from "../local-options.ts";
import { withoutSecrets } from "../local-secrets.ts";
import type { Backing, Mounting, Place } from "./backing.ts";
import { mountByProgram } from "./by-program.ts";

export class ElsewhereBacking implements Backing, Mounting {
	readonly #disk: Disk;
	readonly #aside: Aside;
	readonly #boundMs: number;
	readonly mounting: Mounting = this;

	/** What does not mount within `boundMs` is given up. */
	constructor(disk: Disk, aside: Aside, boundMs: number) {
		this.#disk = disk;
		this.#aside = aside;
		this.#boundMs = boundMs;
	}

	create({ name }: Place): Promise<void> {
		return this.#disk.ensure(name);
	}

	async release(): Promise<void> {
		// What is elsewhere stays there.
	}

	async enforcedBy(): Promise<undefined> {
		return undefined;
	}

	async check(): Promise<void> {
		// Only mounting it tells.
	}

	async mount(place: Place, signal: AbortSignal): Promise<void> {
		const options = mountOf(place);
		try {
			if (options.isBind || LOCAL_TYPES.has(options.type)) await this.#mountHere(place, options);
			else await mountByProgram(options, place.data, { signal, boundMs: this.#boundMs });
		} catch (error) {
			signal.throwIfAborted();
			throw mountFault(place.name, options, error);
		}
		killPoint("volumed.local.mount");
	}

	async #mountHere({ data }: Place, { type, device, words }: MountOptions): Promise<void> {
		await this.#aside.call("mountByWords", { type, device, target: data, words });
	}

	/** Nobody else mounts there. */
	isOurs(): boolean {
		return true;
	}
}

function mountOf({ options }: Place): MountOptions {
	if (options.kind !== "mount") throw new Error("this volume has nothing to mount");
	return options;
}

function mountFault(volume: string, options: MountOptions, error: unknown): unknown {
	// What a program is missing for is said best by whoever missed it.
	if (!(error instanceof Error) || (error instanceof Fault && error.reason === "PROGRAM_MISSING")) return error;
	const problem = withoutSecrets(problemOf(options, error), options);
	// Without the cause: its words are not masked.
	return volumeFaults.MOUNT_FAILED({ volume, problem });
}

function problemOf(options: MountOptions, error: Error): string {
	const { type, isBind } = options;
	const device = maskedDevice(options.device);
	if (!isBind && !isKnown(type)) return `this kernel has no file system ${type}`;
	if (isErrno(error, "ENOENT")) return `there is no ${device}`;
	// A file cannot lie on a directory, which move_mount(2) says so.
	if (isErrno(error, "ENOTDIR") || (isBind && isErrno(error, "EINVAL"))) return `${device} is no directory`;
	if (isErrno(error, "ENOTBLK")) return `${device} is no block device`;
	if (isErrno(error, "ENXIO")) return `there is no device behind ${device}`;
	if (isErrno(error, "EINVAL")) return `${type} refuses ${device}, or an option in o`;
	if (isErrno(error, "EBUSY")) return `${device} is in use by somebody else`;
	if (isErrno(error, "ETIMEDOUT")) return `${device} did not answer in time`;
	if (error instanceof Fault && error.reason === "PROGRAM_TIMED_OUT") return `${device} did not answer in time`;
	return error.message.trim().replace(/\.$/, "");
}

/** After a mount was refused: what is a module has been looked for by then. */
function isKnown(type: string): boolean {
	const names = readFileSync("/proc/filesystems", "utf8").split("\n");
	return names.some((line) => line.split("\t").at(-1) === type);
}
