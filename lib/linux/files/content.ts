/** What is in an open file: read(2), and where it has holes, lseek(2). */
import { must, tried } from "../libc.ts";

const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const ENXIO = 6;
const EINVAL = 22;

const pread = tried<[fd: number, out: number, size: number, offset: number]>(
	"long pread64(int fd, uintptr_t out, size_t size, int64_t offset)",
);
const lseek = tried<[fd: number, offset: number, whence: number]>(
	"int64_t lseek64(int fd, int64_t offset, int whence)",
);

/** Where it is data: from `start` on, `length` bytes. */
export interface Extent {
	readonly start: number;
	readonly length: number;
}

/** Reads up to `size` bytes to the address `out`; answers how many, which is less only at the file's end. */
export function readAt(fd: number, out: number, size: number, offset: number): number {
	let done = 0;
	while (done < size) {
		const length = must(pread(fd, out + done, size - done, offset + done), "pread");
		if (length === 0) break;
		done += length;
	}
	return done;
}

/** In their order; everything else up to `size` reads as zeros. A file system that does not know of holes has none. */
export function* extentsOf(fd: number, size: number): Generator<Extent> {
	for (let offset = 0; offset < size; ) {
		const start = lseek(fd, offset, SEEK_DATA);
		if (start === -ENXIO) return;
		if (start === -EINVAL) return yield { start: offset, length: size - offset };
		must(start, "lseek");
		const hole = lseek(fd, start, SEEK_HOLE);
		// It was cut off meanwhile; anything else would make a hole of what is data.
		if (hole === -ENXIO) return;
		must(hole, "lseek");
		const end = Math.min(size, hole);
		if (end <= start) return;
		yield { start, length: end - start };
		offset = end;
	}
}
