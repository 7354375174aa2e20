/**
 * Loop devices: a file as a block device, loop(4).
 *
 * A device made here clears itself with its last user (LO_FLAGS_AUTOCLEAR). Whoever mounts it holds it open meanwhile, so that at no
 * moment something is left when the process is killed: before the mount the descriptor goes with the process, after it the mount is the user.
 */
import { closeSync, openSync, readdirSync, readFileSync, statSync } from "node:fs";
import { ioctl } from "../ioctl.ts";
import { atCall, checked, isErrno } from "../libc.ts";

const LOOP_CONFIGURE = 0x4c0a;
const LOOP_GET_STATUS64 = 0x4c05;
const LOOP_CTL_GET_FREE = 0x4c82;
const LO_FLAGS_AUTOCLEAR = 4;
/** The kernel falls back to the page cache where the file system of the file cannot do without. */
const LO_FLAGS_DIRECT_IO = 16;

/** `struct loop_info64`, and where in it lo_device, lo_inode, lo_offset and lo_flags are. */
const INFO_BYTES = 232;
const [DEVICE_AT, INODE_AT, OFFSET_AT, FLAGS_AT] = [0, 8, 24, 52];
/** `struct loop_config`: fd, block_size, a loop_info64, 64 reserved bytes. */
const CONFIG_BYTES = 8 + INFO_BYTES + 64;

const S_IFBLK = 0o060000;
/** Others take numbers between asking for a free one and using it; each time another one. */
const ATTEMPTS = 64;

const mknod = checked<[path: string, mode: number, device: number]>(
	"int mknod(const char *path, unsigned int mode, unsigned long device)",
);

/** A bound device, held open. Closing it leaves it to whoever has mounted it; nobody has: it is cleared. */
export class LoopDevice implements Disposable {
	readonly path: string;
	#fd: number | undefined;

	constructor(path: string, fd: number) {
		this.path = path;
		this.#fd = fd;
	}

	[Symbol.dispose](): void {
		if (this.#fd !== undefined) closeSync(this.#fd);
		this.#fd = undefined;
	}
}

/**
 * The device of the file: the one that there is (a file system that still ends in it must not be mounted a second time beside itself), or
 * a new one. LinuxError or the error of `fs` when the file is not there or the kernel refuses; then nothing is left.
 */
export function attachLoop(file: string): LoopDevice {
	const backing = openSync(file, "r+");
	try {
		return findLoop(file) ?? newLoop(backing, file);
	} finally {
		closeSync(backing);
	}
}

/** The device that shows all of the file now, held open so that it stays. It is known by its inode, wherever the file is by now. */
export function findLoop(file: string): LoopDevice | undefined {
	for (const number of boundLoops(file)) {
		const fd = openShowing(number, file);
		if (fd !== undefined) return new LoopDevice(nodeOf(number), fd);
	}
	return undefined;
}

/** The device at `path` shows all of the file now. */
export function isLoopOf(path: string, file: string): boolean {
	const number = /^\/dev\/loop(\d+)$/.exec(path)?.[1];
	const fd = number === undefined ? undefined : openShowing(Number(number), file);
	if (fd !== undefined) closeSync(fd);
	return fd !== undefined;
}

function newLoop(backing: number, file: string): LoopDevice {
	const config = Buffer.alloc(CONFIG_BYTES);
	config.writeUInt32LE(backing, 0);
	config.writeUInt32LE(LO_FLAGS_AUTOCLEAR | LO_FLAGS_DIRECT_IO, 8 + FLAGS_AT);
	for (let attempt = 1; ; attempt++) {
		const number = freeNumber();
		const fd = openSync(ensureNode(number), "r+");
		try {
			atCall(`loop ${file}`, () => ioctl(fd, LOOP_CONFIGURE, config));
			return new LoopDevice(nodeOf(number), fd);
		} catch (error) {
			closeSync(fd);
			if (!isErrno(error, "EBUSY") || attempt === ATTEMPTS) throw error;
		}
	}
}

/** Makes a device where all are taken. */
function freeNumber(): number {
	const control = openSync("/dev/loop-control", "r+");
	try {
		return ioctl(control, LOOP_CTL_GET_FREE, null);
	} finally {
		closeSync(control);
	}
}

/** The numbers of those whose file is called like this one: to open one of somebody else's would keep it from ending meanwhile. */
function boundLoops(file: string): number[] {
	return readdirSync("/sys/block")
		.filter((block) => /^loop\d+$/.test(block))
		.filter((block) => nameOf(backingOf(block)) === nameOf(file))
		.map((block) => Number(block.slice("loop".length)));
}

/** With its directory's: what is before depends on the mounts of whoever looks. */
function nameOf(path = ""): string {
	return path
		.replace(/ \(deleted\)$/, "")
		.split("/")
		.slice(-2)
		.join("/");
}

/** The path of the device's file, as it is called now; undefined when it has none. */
function backingOf(block: string): string | undefined {
	try {
		return readFileSync(`/sys/block/${block}/loop/backing_file`, "utf8").trimEnd();
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENODEV", "ENXIO")) return undefined;
		throw error;
	}
}

/** Undefined: it shows something else, or nothing. */
function openShowing(number: number, file: string): number | undefined {
	const { dev, ino } = statSync(file, { bigint: true });
	const fd = openBound(number);
	if (fd === undefined) return undefined;
	const info = statusOf(fd);
	// A device number of the kernel's and one of the C library's are the same below 4096 majors.
	const isOurs = info?.readBigUInt64LE(DEVICE_AT) === dev && info.readBigUInt64LE(INODE_AT) === ino;
	if (isOurs && info.readBigUInt64LE(OFFSET_AT) === 0n) return fd;
	closeSync(fd);
	return undefined;
}

function openBound(number: number): number | undefined {
	try {
		return openSync(ensureNode(number), "r");
	} catch (error) {
		if (isErrno(error, "ENXIO", "ENOENT", "EBUSY")) return undefined;
		throw error;
	}
}

/** Undefined: it is bound to nothing any more. */
function statusOf(fd: number): Buffer | undefined {
	const info = Buffer.alloc(INFO_BYTES);
	try {
		ioctl(fd, LOOP_GET_STATUS64, info);
		return info;
	} catch (error) {
		if (isErrno(error, "ENXIO")) return undefined;
		throw error;
	}
}

function nodeOf(number: number): string {
	return `/dev/loop${number}`;
}

/** A /dev that is no devtmpfs does not get the node of a new device by itself. */
function ensureNode(number: number): string {
	const path = nodeOf(number);
	if (statSync(path, { throwIfNoEntry: false }) !== undefined) return path;
	const [major = 0, minor = 0] = readFileSync(`/sys/block/loop${number}/dev`, "utf8").split(":").map(Number);
	try {
		atCall(`mknod ${path}`, () =>
			mknod(path, S_IFBLK | 0o600, (major << 8) | (minor & 0xff) | ((minor & ~0xff) << 12)),
		);
	} catch (error) {
		if (!isErrno(error, "EEXIST")) throw error;
	}
	return path;
}
