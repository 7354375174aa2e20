/** Runs what writes to a sheet as far as there are buffers for it, and sends each that is written. On a thread. */
import { giveBack } from "./given-back.ts";
import type { Full, Sheet } from "./sheet.ts";

/** Between two parts of what is written there is something to be waited for. */
export type Pause = "pause";

export class Chunks<R> implements Disposable {
	readonly #sheet: Sheet;
	readonly #run: Generator<Full | Pause, R>;
	readonly #send: (buffer: ArrayBuffer, length: number) => void;
	readonly #free: Buffer[] = [];
	#waits = false;
	readonly #stopped: (result: R | undefined) => void;

	/** `stopped` is told of each pause, and at the end of what came of it. */
	constructor(
		sheet: Sheet,
		run: Generator<Full | Pause, R>,
		send: (buffer: ArrayBuffer, length: number) => void,
		stopped: (result: R | undefined) => void,
	) {
		this.#sheet = sheet;
		this.#run = run;
		this.#send = send;
		this.#stopped = stopped;
	}

	/** One to be written to. */
	add(buffer: ArrayBuffer): void {
		this.#free.push(Buffer.from(buffer));
		this.#advance();
	}

	/** After a pause. */
	resume(): void {
		this.#waits = false;
		this.#advance();
	}

	#advance(): void {
		while (!this.#waits) {
			const bytes = this.#free.shift();
			if (bytes === undefined) return;
			this.#sheet.turn(bytes);
			const step = this.#run.next();
			this.#send(bytes.buffer as ArrayBuffer, this.#sheet.at); // as it came
			this.#waits = step.done === true || step.value === "pause";
			if (step.done === true) this.#stopped(step.value);
			else if (step.value === "pause") this.#stopped(undefined);
		}
	}

	[Symbol.dispose](): void {
		giveBack(this.#free.splice(0));
		this.#run.return(undefined as never); // closes what it has open
	}
}
