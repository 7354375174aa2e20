/** The gateway's own settings; those that every daemon has are in lib/daemon. */
import { duration, path } from "#lib/config/parsers.ts";

export const SCHEMA = {
	runtime: {
		key: "gateway.runtime",
		parse: path,
		default: undefined,
		doc: "The OCI runtime's program; runc where the system has it, unless given.",
	},
	reconcileEvery: {
		key: "gateway.reconcileEvery",
		parse: duration({ minMs: 1_000 }),
		default: 30_000,
		doc: "How often records are compared with what there is.",
	},
} as const;
