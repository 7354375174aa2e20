/**
 * Pipes to and from a program, for GiBs. Those that Node makes for a child hold a fifth of these, and what comes of them is in a new buffer for
 * every 64 KiB: with them zstd took half as long again for a GiB.
 */
import { Socket } from "node:net";
import { makePipe } from "#lib/linux/files/pipe.ts";

const BUFFER_BYTES = 1024 * 1024;

/** To a program. */
export class Feed implements Disposable {
	/** The program's end, which is the caller's to close. */
	readonly far: number;
	readonly #socket: Socket;

	constructor() {
		const { read, write } = makePipe();
		this.far = read;
		this.#socket = new Socket({ fd: write, readable: false, writable: true });
		// Each write that it concerns is told.
		this.#socket.on("error", () => undefined);
	}

	/** Resolves when the bytes may be used anew; false: nobody reads them any more. */
	write(bytes: Buffer): Promise<boolean> {
		return new Promise((resolve) => {
			this.#socket.write(bytes, (error) => resolve(error === null || error === undefined));
		});
	}

	end(): void {
		this.#socket.end();
	}

	[Symbol.dispose](): void {
		this.#socket.destroy();
	}
}

/** From a program. */
export class Drain implements Disposable {
	/** The program's end, which is the caller's to close. */
	readonly far: number;
	readonly #socket: Socket;
	/** Read and not given yet. */
	#bytes: Buffer | undefined;
	#isOver = false;
	#error: Error | undefined;
	#wake = (): void => undefined;

	constructor() {
		const { read, write } = makePipe();
		this.far = write;
		let [next, last] = [Buffer.allocUnsafeSlow(BUFFER_BYTES), Buffer.allocUnsafeSlow(BUFFER_BYTES)];
		const onread = {
			/** For what is read next. */
			buffer: () => next,
			callback: (length: number): boolean => {
				this.#bytes = next.subarray(0, length);
				[next, last] = [last, next];
				this.#wake();
				return false; // nothing is read before somebody asks
			},
		};
		this.#socket = new Socket({ fd: read, readable: true, writable: false, onread });
		const over = (): void => {
			this.#isOver = true;
			this.#wake();
		};
		this.#socket.once("end", over).once("close", over);
		this.#socket.on("error", (error) => {
			this.#error = error;
		});
	}

	/** Up to the end. A buffer is the reader's until it asks for the next but one. */
	async *chunks(): AsyncGenerator<Buffer, void> {
		for (;;) {
			this.#socket.resume();
			while (this.#bytes === undefined && !this.#isOver) {
				await new Promise<void>((resolve) => {
					this.#wake = resolve;
				});
			}
			if (this.#error !== undefined) throw this.#error;
			const bytes = this.#bytes;
			if (bytes === undefined) return;
			this.#bytes = undefined;
			yield bytes;
		}
	}

	[Symbol.dispose](): void {
		this.#socket.destroy();
	}
}
