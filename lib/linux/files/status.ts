/** What the kernel says of a file: statx(2), Linux 4.11; the mount's number since 5.8. */
import { FixedMemory, tried } from "../libc.ts";
import { nameAt } from "./name-bytes.ts";

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_NO_AUTOMOUNT = 0x800;
const AT_EMPTY_PATH = 0x1000;
const STATX_BASIC_STATS = 0x7ff;
const STATX_BTIME = 0x800;
const STATX_MNT_ID = 0x1000;
const MASK = STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID;
const STATX_BYTES = 256;
const WORD = 2 ** 32;

export const S_IFMT = 0o170000;
export const S_IFSOCK = 0o140000;
export const S_IFLNK = 0o120000;
export const S_IFREG = 0o100000;
export const S_IFBLK = 0o060000;
export const S_IFDIR = 0o040000;
export const S_IFCHR = 0o020000;
export const S_IFIFO = 0o010000;

const statx = tried<[dfd: number, path: number, flags: number, mask: number, out: number]>(
	"int statx(int dirfd, uintptr_t path, int flags, unsigned int mask, uintptr_t buffer)",
);

/** One for many files, one after the other: nothing is allocated for a look. All numbers are exact up to 2^53. */
export class FileStatus {
	readonly #memory = new FixedMemory(Buffer.from(new ArrayBuffer(STATX_BYTES)));
	readonly #words = new Uint32Array(this.#memory.bytes.buffer);

	/** Of an open file. 0, or an errno, negative. */
	ofDescriptor(fd: number): number {
		return statx(fd, nameAt(""), AT_EMPTY_PATH, MASK, this.#memory.address);
	}

	/** Of the name in a directory, itself if it is a symlink. 0, or an errno, negative. */
	ofName(directory: number, name: string): number {
		return statx(directory, nameAt(name), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, MASK, this.#memory.address);
	}

	#word(at: number): number {
		return this.#words[at / 4] ?? 0;
	}

	#long(at: number): number {
		return this.#word(at) + this.#word(at + 4) * WORD;
	}

	get links(): number {
		return this.#word(16);
	}

	get uid(): number {
		return this.#word(20);
	}

	get gid(): number {
		return this.#word(24);
	}

	/** With the type. */
	get mode(): number {
		return this.#word(28) & 0xffff;
	}

	get type(): number {
		return this.mode & S_IFMT;
	}

	/** Equal for equal inodes; a later one with the same number is told by when it was made, where the file system knows that. */
	get identity(): string {
		const made = `${this.#word(80)}.${this.#word(88)}`;
		return `${this.#word(32)}.${this.#word(36)}.${this.#word(136)}.${this.#word(140)}.${made}`;
	}

	/** The number of the inode, which is another one's when this one has gone. */
	get inode(): number {
		return this.#long(32);
	}

	get size(): number {
		return this.#long(40);
	}

	/** Of 512 bytes. */
	get blocks(): number {
		return this.#long(48);
	}

	get mtimeSeconds(): number {
		return (this.#word(116) | 0) * WORD + this.#word(112);
	}

	get mtimeNanoseconds(): number {
		return this.#word(120);
	}

	get ctimeSeconds(): number {
		return (this.#word(100) | 0) * WORD + this.#word(96);
	}

	get ctimeNanoseconds(): number {
		return this.#word(104);
	}

	/** Of a device. */
	get major(): number {
		return this.#word(128);
	}

	get minor(): number {
		return this.#word(132);
	}

	get mountId(): number {
		return this.#long(144);
	}
}
