/**
 * The C library, loaded once, and the one shape of its errors.
 *
 * Every call made through `checked` either succeeds or throws a `LinuxError` that carries errno; nobody else reads errno.
 * Wharf runs on little-endian glibc Linux (x86_64, arm64): struct layouts elsewhere in this folder are written by hand for it.
 */
import koffi, { type LibraryHandle } from "koffi";

const libc = koffi.load("libc.so.6");

const EINTR = 4;
const EIO = 5;

const strerror = libc.func("const char *strerror(int errnum)");
const strerrorname = libc.func("const char *strerrorname_np(int errnum)");

/** The symbol of an errno, as "EEXIST". */
export function errnoName(errno: number): string {
	const name: string | null = strerrorname(errno);
	return name ?? `errno ${errno}`;
}

/** The C library's sentence for an errno, as "File exists". */
function errnoText(errno: number): string {
	return strerror(errno);
}

/** A system call that the kernel refused. `code` is errno's symbol, as on Node's own system errors. */
export class LinuxError extends Error {
	override readonly name: string = "LinuxError";
	readonly errno: number;
	readonly code: string;
	/** What was called, with what it was called on where that helps: "setns /run/netns/x". */
	readonly call: string;

	constructor(errno: number, call: string) {
		const code = errnoName(errno);
		super(`${call}: ${errnoText(errno)} (${code})`);
		this.errno = errno;
		this.code = code;
		this.call = call;
	}
}

/** True for an error of the kernel with this symbol, whoever reports it: this folder or Node's own `fs` and `net`. */
export function isErrno(error: unknown, ...codes: readonly string[]): boolean {
	return error instanceof Error && "code" in error && typeof error.code === "string" && codes.includes(symbolOf(error));
}

/** Node has no symbol for some, EDQUOT and ESTALE among them: it calls them UNKNOWN, and gives the number. */
function symbolOf(error: Error & { readonly code?: unknown; readonly errno?: unknown }): string {
	const isNameless = error.code === "UNKNOWN" && typeof error.errno === "number";
	return isNameless ? errnoName(Math.abs(error.errno)) : String(error.code);
}

/** Arguments as koffi takes them: integers, strings, buffers for pointers, and null for NULL. */
export type Argument = number | bigint | string | Uint8Array | null;

/** A function of the C library. */
export type Call<A extends readonly (Argument | undefined)[]> = (...args: A) => number;

/**
 * Binds a function of the C library that answers -1 for failure.
 *
 * The call is synchronous and on the calling thread. It is repeated after EINTR, so bind nothing that must not be (close).
 * `prototype` is C: `checked<[fd: number, nstype: number]>("int setns(int fd, int nstype)")`.
 */
export function checked<A extends readonly Argument[]>(prototype: string): Call<A> {
	const native = libc.func(prototype);
	const name = functionName(prototype);
	return (...args) => {
		for (;;) {
			const result: number = native(...args);
			if (result !== -1) return result;
			const errno = koffi.errno();
			if (errno !== EINTR) throw new LinuxError(errno, name);
		}
	};
}

/**
 * As `checked`, for what is called a hundred thousand times a second and refused as a matter of course: a failure is the
 * negative errno, as the kernel itself has it, and nothing is repeated.
 */
export function tried<A extends readonly Argument[]>(prototype: string): Call<A> {
	const native = libc.func(prototype);
	// As many parameters as all of them need: an array of them would cost as much as the call. Those too many are not looked at.
	const call: Call<readonly (Argument | undefined)[]> = (a, b, c, d, e, f) => {
		const result: number = native(a, b, c, d, e, f);
		return result === -1 ? -koffi.errno() : result;
	};
	return call;
}

/** What `tried` answered, for those who can do nothing about a failure: it is thrown as a LinuxError that says `call`. */
export function must(result: number, call: string): number {
	if (result < 0) throw new LinuxError(-result, call);
	return result;
}

function functionName(prototype: string): string {
	return /(\w+)\s*\(/.exec(prototype)?.[1] ?? prototype;
}

/**
 * As `checked`, but the call runs on a thread of koffi's pool: for calls that wait inside the kernel.
 *
 * Buffers among the arguments must not be touched before the promise settles. errno is the calling thread's and lost here,
 * so use it only where the kernel answers by another way as well; a failure is EIO.
 */
export function checkedAside<A extends readonly Argument[]>(prototype: string): (...args: A) => Promise<number> {
	const native = libc.func(prototype);
	const name = functionName(prototype);
	return (...args) =>
		new Promise((resolve, reject) => {
			native.async(...args, (error: Error | null, result: number) => {
				if (error !== null) reject(error);
				else if (result === -1) reject(new LinuxError(EIO, name));
				else resolve(result);
			});
		});
}

/** Runs `body`; a LinuxError that it throws says `call` (which names the operand) instead of the bare function. */
export function atCall<T>(call: string, body: () => T): T {
	try {
		return body();
	} catch (error) {
		throw error instanceof LinuxError ? new LinuxError(error.errno, call) : error;
	}
}

/** Where `buffer` is, for a structure that points at it. It stays there (asking takes it off V8's heap) as long as it is referenced. */
export function pointerTo(buffer: Uint8Array): bigint {
	return koffi.address(buffer);
}

/** Memory whose address is known, and stays, as long as this is referenced: giving a buffer to a call costs as much as the call. */
export class FixedMemory {
	readonly bytes: Buffer;
	readonly address: number;

	constructor(bytes: Buffer) {
		this.bytes = bytes;
		this.address = Number(pointerTo(bytes));
	}
}

/** Where parts of a buffer are, one after the other: asked for once for all that are of one buffer. */
export class Addresses {
	#buffer: ArrayBufferLike | undefined;
	#address = 0;

	/** As long as the buffer is referenced, and with whoever asks. */
	of(bytes: Uint8Array): number {
		const { buffer, byteOffset } = bytes;
		if (buffer !== this.#buffer) {
			this.#address = Number(pointerTo(new Uint8Array(buffer)));
			this.#buffer = buffer;
		}
		return this.#address + byteOffset;
	}
}

/** Loads another shared library; undefined when the machine does not have it. */
export function loadLibrary(soname: string): LibraryHandle | undefined {
	try {
		return koffi.load(soname);
	} catch {
		return undefined;
	}
}
