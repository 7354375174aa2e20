/** What a store refuses or cannot do, in words for whoever runs the service. */
import { catalogue } from "#lib/fault/catalogue.ts";

export const storeFaults = catalogue("store", {
	STORE_IN_USE: {
		code: "FAILED_PRECONDITION",
		message: (m: { path: string }) => `${m.path} is open in another process: this service is already running.`,
		help: () => "Use the one that runs, or stop it first; another instance needs another WHARF_ROOT.",
	},
	STORE_NEWER: {
		code: "FAILED_PRECONDITION",
		message: (m: { path: string; version: string; known: string }) =>
			`${m.path} was written by a newer wharf: it has version ${m.version}, and this one knows ${m.known}.`,
		help: () => "Run the newer wharf; the file was not changed.",
	},
	STORE_CORRUPT: {
		code: "DATA_LOSS",
		message: (m: { path: string; problem: string }) => `${m.path} is damaged: ${m.problem}.`,
		help: (m) =>
			`Stop the service, keep a copy of ${m.path}*, and put a good copy in place, or what \`sqlite3 ${m.path} .recover\` saves.`,
	},
	STORE_UNAVAILABLE: {
		code: "UNAVAILABLE",
		message: (m: { path: string; problem: string }) => `${m.path} cannot be used: ${m.problem}.`,
		help: () => "Nothing of the request was stored; look for a full or failing disk, or missing permissions.",
	},
});
