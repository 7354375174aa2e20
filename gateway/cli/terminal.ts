/** What a command may touch of the world it was called from. */
import type { Paths } from "#lib/config/paths.ts";

export interface Terminal {
	/** Standard output. Resolves when it is written. Fault: OUTPUT_FAILED. */
	out(text: string | Uint8Array): Promise<void>;
	/** Standard error. What cannot be written there is lost. */
	err(text: string | Uint8Array): Promise<void>;
	/** Standard output is a person's terminal. */
	readonly outIsTty: boolean;
	/** Standard error is a person's terminal: progress may be shown there. */
	readonly errIsTty: boolean;
	/** How wide that is now; undefined: nobody knows. */
	readonly errColumns: number | undefined;
	readonly stdin: AsyncIterable<Uint8Array>;
	readonly env: NodeJS.ProcessEnv;
	readonly cwd: string;
	readonly paths: Paths;
	/**
	 * Aborted by the first SIGINT, SIGTERM or SIGHUP, when the command has asked to be told; otherwise the signal ends the process.
	 * The second one calls `insist`, once; without it, and the third, ends the process.
	 */
	interruptible(insist?: () => void): AbortSignal;
}
