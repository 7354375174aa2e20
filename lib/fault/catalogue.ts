/**
 * A service's faults in one table: reason, code, and the sentence as a function of its values.
 *
 * The table is the documentation of what a service refuses; the protos' error tables repeat it for other languages.
 */
import { type Code, Fault, type Metadata } from "./fault.ts";

export interface Definition<M extends Metadata> {
	readonly code: Code;
	readonly message: (metadata: M) => string;
	readonly help?: (metadata: M) => string;
}

/** What a throw site may add to the values of the sentence. */
export interface Details {
	readonly field?: string;
	readonly cause?: unknown;
}

type MetadataOf<D> = D extends { readonly message: (metadata: infer M) => string } ? M : never;

// oxlint-disable-next-line typescript/no-explicit-any -- a table holds sentences over different values; each entry is checked by itself.
export type Definitions = Readonly<Record<string, Definition<any>>>;

export type Catalogue<D extends Definitions> = {
	readonly [K in keyof D]: (metadata: MetadataOf<D[K]>, details?: Details) => Fault;
};

/** Makes one constructor per reason: `throw faults.POOL_EXHAUSTED({ pool, size })`. */
export function catalogue<const D extends Definitions>(domain: string, definitions: D): Catalogue<D> {
	const entries = Object.entries(definitions).map(([reason, definition]) => {
		const make = (metadata: Metadata, details: Details = {}): Fault =>
			new Fault({
				code: definition.code,
				reason,
				domain,
				metadata,
				message: definition.message(metadata),
				help: definition.help?.(metadata),
				...details,
			});
		return [reason, make] as const;
	});
	// Object.fromEntries forgets which key has which values; the mapped type above says it again.
	return Object.fromEntries(entries) as unknown as Catalogue<D>;
}
