/** What keeps any daemon from starting. */
import { catalogue } from "#lib/fault/catalogue.ts";

export const daemonFaults = catalogue("daemon", {
	TLS_REQUIRED: {
		code: "FAILED_PRECONDITION",
		message: (m: { host: string; port: string }) =>
			`Listening at ${m.host}:${m.port} needs mutual TLS, and not all of its files are set.`,
		help: () => "Set WHARF_TLS_CERT, WHARF_TLS_KEY and WHARF_TLS_CA, or do not listen on TCP.",
	},
});
