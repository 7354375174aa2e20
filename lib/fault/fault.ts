/**
 * The one error that crosses a boundary on purpose: a stable reason, the values it speaks of, and one sentence for a person.
 *
 * Anything that is not a `Fault` is a bug and reaches nobody but the log (`lib/rpc/status.ts`).
 */

/** The names of the gRPC status codes that a fault may carry. */
export type Code =
	| "CANCELLED"
	| "INVALID_ARGUMENT"
	| "DEADLINE_EXCEEDED"
	| "NOT_FOUND"
	| "ALREADY_EXISTS"
	| "PERMISSION_DENIED"
	| "RESOURCE_EXHAUSTED"
	| "FAILED_PRECONDITION"
	| "ABORTED"
	| "OUT_OF_RANGE"
	| "UNIMPLEMENTED"
	| "INTERNAL"
	| "UNAVAILABLE"
	| "DATA_LOSS"
	| "UNAUTHENTICATED";

/** The values that a fault's sentence is made from; they travel as `google.rpc.ErrorInfo.metadata`. */
export type Metadata = Readonly<Record<string, string>>;

export interface FaultOptions {
	readonly code: Code;
	/** UPPER_SNAKE, stable for ever: programs branch on it. */
	readonly reason: string;
	/** The part of wharf that speaks, as `netd` or `address`. */
	readonly domain: string;
	readonly message: string;
	/** What the reader can do about it: one sentence. */
	readonly help?: string | undefined;
	/** The request's field at fault, as `ports[1].host_port`. */
	readonly field?: string | undefined;
	readonly metadata?: Metadata | undefined;
	readonly cause?: unknown;
}

export class Fault extends Error {
	override readonly name = "Fault";
	readonly code: Code;
	readonly reason: string;
	readonly domain: string;
	readonly help: string | undefined;
	readonly field: string | undefined;
	readonly metadata: Metadata;

	constructor(options: FaultOptions) {
		super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
		this.code = options.code;
		this.reason = options.reason;
		this.domain = options.domain;
		this.help = options.help;
		this.field = options.field;
		this.metadata = options.metadata ?? {};
	}

	/** The same fault, said of a field of the request; a field that is already named stays. */
	at(field: string): Fault {
		if (this.field !== undefined) return this;
		const { code, reason, domain, message, help, metadata, cause } = this;
		return new Fault({ code, reason, domain, message, help, metadata, cause, field });
	}
}

/** True for a fault with this reason, whoever threw it. */
export function isFault(error: unknown, reason?: string): error is Fault {
	return error instanceof Fault && (reason === undefined || error.reason === reason);
}

/** Runs `body`; a fault it throws is said of `field`. */
export function atField<T>(field: string, body: () => T): T {
	try {
		return body();
	} catch (error) {
		throw error instanceof Fault ? error.at(field) : error;
	}
}
