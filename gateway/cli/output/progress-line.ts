/** A line on a person's terminal that is written anew again and again, and is gone in the end. */
import type { Terminal } from "../terminal.ts";

const REDRAW_MS = 100;
const CLEAR_LINE = "\r\u001b[K";
/** Of a terminal that does not say. */
const COLUMNS = 80;

export class ProgressLine {
	readonly #terminal: Pick<Terminal, "err" | "errIsTty" | "errColumns">;
	#drawnAt = Number.NEGATIVE_INFINITY;
	#isThere = false;

	constructor(terminal: Pick<Terminal, "err" | "errIsTty" | "errColumns">) {
		this.#terminal = terminal;
	}

	/** As much of it as the line holds; nothing where nobody looks, or where the last one is new. */
	async draw(text: string): Promise<void> {
		const { errIsTty, errColumns } = this.#terminal;
		const now = performance.now();
		if (!errIsTty || now - this.#drawnAt < REDRAW_MS) return;
		this.#drawnAt = now;
		this.#isThere = true;
		// In the last column some terminals begin another line.
		await this.#terminal.err(`${CLEAR_LINE}${text.slice(0, (errColumns ?? COLUMNS) - 1)}`);
	}

	/** Before anything else is written. */
	async clear(): Promise<void> {
		if (this.#isThere) await this.#terminal.err(CLEAR_LINE);
		this.#isThere = false;
	}
}
