/**
 * GNU tar, zstd and gzip as children.
 *
 * tar runs in a jail that holds the volume at /volume and nothing else of the host's data, with the capabilities that fidelity
 * needs and no others; the compressors run outside and see nothing but a stream. The flags are those with which a tree came
 * back identical in every measured respect (owners, modes, nanoseconds, xattrs, access control lists, capabilities, hard links, holes).
 */
import type { Readable, Writable } from "node:stream";
import { type Child, type Ended, start } from "#lib/exec/run.ts";
import { type Jailer, jailed } from "#lib/linux/mount/jail.ts";
import { volumeFaults } from "../faults.ts";
import type { Compression } from "../job.ts";
import { atSystem } from "./system-fault.ts";

const PLACE = "volume";
/** CAP_SYS_ADMIN is for xattrs of the trusted namespace, which the kernel shows to nobody else. */
const READ_CAPABILITIES = ["dac_override", "dac_read_search", "sys_admin"];
/** No mknod: no device can be made, whatever the archive says. overlayfs's whiteouts (0,0) need no capability. */
const WRITE_CAPABILITIES = ["chown", "dac_override", "fowner", "fsetid", "setfcap", "sys_admin"];

const COMMON = ["--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls"];
const CREATE = [
	"--format=posix",
	"--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
	...COMMON,
	"--sparse",
	"--sort=name",
	"--one-file-system",
	// Names in messages as C has them, one a line.
	"--quoting-style=escape",
	"-b128",
];
const EXTRACT = ["--same-owner", "--preserve-permissions", ...COMMON, "--delay-directory-restore"];

export interface Source {
	readonly stdout: Readable;
	readonly done: Promise<Ended>;
}

export interface Sink {
	readonly stdin: Writable;
	readonly done: Promise<Ended>;
}

export type Filter = Source & Sink;

export class Tar {
	readonly #jailer: Jailer;

	constructor(jailer: Jailer) {
		this.#jailer = jailer;
	}

	/** Reads the directory at `path` as an archive. Fault: KERNEL_REFUSED, as when it has gone. */
	async pack(path: string, signal: AbortSignal): Promise<Source> {
		const args = [...CREATE, "-cf", "-", "-C", `/${PLACE}`, "."];
		return this.#start(path, false, args, READ_CAPABILITIES, signal);
	}

	/** Writes an archive into the directory at `path`, which must be empty. */
	async unpack(path: string, strip: number, signal: AbortSignal): Promise<Sink> {
		const args = [...EXTRACT, `--strip-components=${strip}`, "-xf", "-", "-C", `/${PLACE}`];
		return this.#start(path, true, args, WRITE_CAPABILITIES, signal);
	}

	async #start(
		path: string,
		writable: boolean,
		args: readonly string[],
		capabilities: readonly string[],
		signal: AbortSignal,
	): Promise<Child> {
		const bind = { source: path, name: PLACE, writable };
		using jail = await atSystem(`opening ${path}`, path, () => this.#jailer.create([bind]));
		const command = jailed("tar", args, capabilities);
		return start(command.file, command.args, {
			signal,
			stdin: writable ? "pipe" : "ignore",
			stdout: writable ? "ignore" : "pipe",
			extra: [jail.fd],
		});
	}
}

/** Undefined: nothing is to be done. Exit status 0 alone is success. */
export function compressor(kind: Compression, level: number | undefined, signal: AbortSignal): Filter | undefined {
	const levels = level === undefined ? [] : [`-${level}`];
	switch (kind) {
		case "none":
			return undefined;
		case "zstd":
			return start("zstd", ["-q", "-c", "-T0", ...levels], { signal, stdin: "pipe" });
		case "gzip":
			return start("gzip", ["-c", "-n", ...levels], { signal, stdin: "pipe" });
	}
}

export function decompressor(kind: Compression, signal: AbortSignal): Filter | undefined {
	switch (kind) {
		case "none":
			return undefined;
		case "zstd":
			return start("zstd", ["-d", "-q", "-c"], { signal, stdin: "pipe" });
		case "gzip":
			return start("gzip", ["-d", "-c"], { signal, stdin: "pipe" });
	}
}

const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
const GZIP = Buffer.from([0x1f, 0x8b]);

/** How many first bytes `compressionOf` wants to see. */
export const MAGIC_BYTES = ZSTD.length;

export function compressionOf(first: Buffer): Compression {
	if (first.subarray(0, ZSTD.length).equals(ZSTD)) return "zstd";
	return first.subarray(0, GZIP.length).equals(GZIP) ? "gzip" : "none";
}

export interface Remarks {
	/** Names of sockets, which no archive can hold. */
	readonly sockets: readonly string[];
	readonly warnings: readonly string[];
}

const FEW_WORDS = 1_000;

/** What GNU tar said while it read. Exit status 1 is a file that changed meanwhile; anything else but 0 is a failure. */
export function remarksOf({ exitCode, signal, stderr }: Ended): Remarks {
	const lines = stderr.split("\n").filter((line) => line !== "");
	if (exitCode !== 0 && exitCode !== 1) {
		const words = stderr.trim().slice(-FEW_WORDS) || `it ended with ${signal ?? `exit status ${exitCode}`}.`;
		throw volumeFaults.ARCHIVER_FAILED({ program: "tar", words });
	}
	const sockets: string[] = [];
	const warnings: string[] = [];
	for (const line of lines) {
		const socket = /^tar: (.*): socket ignored$/.exec(line)?.[1];
		if (socket !== undefined) sockets.push(socket);
		else if (!line.includes("Exiting with failure status")) warnings.push(line.replace(/^tar: /, ""));
	}
	return { sockets, warnings };
}
