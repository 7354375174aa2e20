/** What is in an open file into another one, without passing through here: ioctl_ficlone(2), copy_file_range(2). Failures are errnos, negative. */
import { requestNumber } from "../ioctl.ts";
import { FixedMemory, tried } from "../libc.ts";

const FICLONE = requestNumber("write", 0x94, 9, 4);

const ioctl = tried<[fd: number, request: number, from: number]>("int ioctl(int fd, unsigned long request, int from)");
const copyFileRange = tried<[from: number, start: number, to: number, at: number, size: number, flags: number]>(
	"long copy_file_range(int from, uintptr_t start, int to, uintptr_t at, size_t size, unsigned int flags)",
);

/** Two `loff_t`, which the kernel moves on. */
const offsets = new FixedMemory(Buffer.from(new ArrayBuffer(16)));
const [start, at] = [0, 8];

/**
 * All of it, size and holes too, without taking room: it is copied when one of the two is written to. btrfs, XFS with reflinks and some
 * others can, within one file system; what one cannot is EXDEV, EOPNOTSUPP, EINVAL or ENOTTY. Waits until what was written to `from` is on the disk.
 */
export function shareAll(from: number, to: number): number {
	return ioctl(to, FICLONE, from);
}

/** Up to `size` bytes at `offset`, to the same place; answers how many, which is 0 at the file's end. */
export function copyWithin(from: number, to: number, offset: number, size: number): number {
	offsets.bytes.writeBigInt64LE(BigInt(offset), start);
	offsets.bytes.writeBigInt64LE(BigInt(offset), at);
	return copyFileRange(from, offsets.address + start, to, offsets.address + at, size, 0);
}
