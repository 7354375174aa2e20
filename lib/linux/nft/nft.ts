/**
 * nftables through libnftables, in process: its language, its transactions, its JSON.
 *
 * For the skeleton of a table and for reading. It reads the whole ruleset of the namespace before some commands, so cost
 * grows with what others have there; what is done per container or port goes through `nf-tables.ts`.
 */
import { Fault } from "#lib/fault/fault.ts";
import { loadLibrary } from "../libc.ts";
import { inNetnsOrHere } from "../netns.ts";

const NFT_CTX_OUTPUT_JSON = 1 << 4;
const NFT_CTX_OUTPUT_TERSE = 1 << 11;

/** A signal came while the kernel checked a transaction: nothing of it has happened, and it is sent again. strerror(EINTR), as the library shows it. */
const INTERRUPTED = "Interrupted system call";

/** A handle of the library's; opaque to us. */
type Context = object;

interface Library {
	readonly create: (flags: number) => Context | null;
	readonly free: (context: Context) => void;
	readonly bufferOutput: (context: Context) => number;
	readonly bufferError: (context: Context) => number;
	readonly setOutputFlags: (context: Context, flags: number) => void;
	readonly setDryRun: (context: Context, dry: boolean) => void;
	readonly run: (context: Context, commands: string) => number;
	readonly output: (context: Context) => string;
	readonly error: (context: Context) => string;
}

let loaded: Library | undefined;

/** Commands that nftables refused; nothing of them has happened. `message` is the library's text, which names the place. */
export class NftError extends Error {
	override readonly name = "NftError";
	readonly commands: string;

	constructor(text: string, commands: string) {
		super(text.trim());
		this.commands = commands;
	}
}

export class Nft implements Disposable {
	readonly #library: Library;
	readonly #context: Context;

	private constructor(library: Library, context: Context) {
		this.#library = library;
		this.#context = context;
	}

	/** Of the namespace at `netns`, or of the thread's own: the library opens its socket here and keeps it. */
	static open(netns?: string): Nft {
		const library = (loaded ??= load());
		const context = inNetnsOrHere(netns, () => library.create(0));
		if (context === null) throw new NftError("nft_ctx_new failed", "");
		library.bufferOutput(context);
		library.bufferError(context);
		return new Nft(library, context);
	}

	/** Runs `commands` in nft's language (nft(8)) as one transaction. Returns what nft would print. */
	run(commands: string): string {
		return this.#run(commands, 0);
	}

	/** Has the kernel check `commands` as `run` would, and do nothing of them. Throws what it would refuse. */
	check(commands: string): void {
		this.#library.setDryRun(this.#context, true);
		try {
			this.#run(commands, 0);
		} finally {
			this.#library.setDryRun(this.#context, false);
		}
	}

	/**
	 * Runs one `list` command and returns the objects of its answer (libnftables-json(5)), without the metainfo.
	 * `elements: false` leaves out what sets and maps hold, and does not read it.
	 */
	list(command: string, options: { readonly elements?: boolean } = {}): unknown[] {
		const flags = NFT_CTX_OUTPUT_JSON | (options.elements === false ? NFT_CTX_OUTPUT_TERSE : 0);
		// The shape of every answer in libnftables-json(5).
		const answer = JSON.parse(this.#run(command, flags)) as { readonly nftables: readonly object[] };
		return answer.nftables.filter((entry) => !("metainfo" in entry));
	}

	[Symbol.dispose](): void {
		this.#library.free(this.#context);
	}

	#run(commands: string, flags: number): string {
		this.#library.setOutputFlags(this.#context, flags);
		for (;;) {
			const failed = this.#library.run(this.#context, commands) !== 0;
			// Reading a buffer empties it, so both are read every time.
			const output = this.#library.output(this.#context);
			const error = this.#library.error(this.#context);
			if (!failed) return output;
			if (!error.includes(INTERRUPTED)) throw new NftError(error, commands);
		}
	}
}

function load(): Library {
	const library = loadLibrary("libnftables.so.1");
	if (library === undefined) {
		throw new Fault({
			code: "FAILED_PRECONDITION",
			reason: "LIBRARY_MISSING",
			domain: "linux",
			message: "The library libnftables.so.1 is not on this machine.",
			help: "Install it: apt install libnftables1",
			metadata: { library: "libnftables.so.1" },
		});
	}
	return {
		create: library.func("void *nft_ctx_new(uint32_t flags)"),
		free: library.func("void nft_ctx_free(void *ctx)"),
		bufferOutput: library.func("int nft_ctx_buffer_output(void *ctx)"),
		bufferError: library.func("int nft_ctx_buffer_error(void *ctx)"),
		setOutputFlags: library.func("void nft_ctx_output_set_flags(void *ctx, unsigned int flags)"),
		setDryRun: library.func("void nft_ctx_set_dry_run(void *ctx, bool dry)"),
		run: library.func("int nft_run_cmd_from_buffer(void *ctx, const char *buf)"),
		output: library.func("const char *nft_ctx_get_output_buffer(void *ctx)"),
		error: library.func("const char *nft_ctx_get_error_buffer(void *ctx)"),
	};
}
