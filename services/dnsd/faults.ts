/** What dnsd refuses, and the sentences for it. */
import { catalogue } from "#lib/fault/catalogue.ts";

export const dnsdFaults = catalogue("dnsd", {
	SANDBOX_NOT_SERVED: {
		code: "NOT_FOUND",
		message: (m: { sandbox: string }) => `No resolver serves a sandbox ${m.sandbox}.`,
		help: () => "Connect it to a user-defined network; only those resolve names.",
	},
	INVALID_PAGE_TOKEN: {
		code: "INVALID_ARGUMENT",
		message: () => "The page token is not one of dnsd's.",
		help: () => "Begin without a token.",
	},
	UNKNOWN_TYPE: {
		code: "INVALID_ARGUMENT",
		message: (m: { type: string; known: string }) => `${m.type} is not a record type that can be looked up.`,
		help: (m) => `Use one of ${m.known}.`,
	},
	INVALID_DOMAIN_NAME: {
		code: "INVALID_ARGUMENT",
		message: (m: { name: string }) => `${m.name} is not a domain name.`,
		help: () => "Labels of 1 to 63 visible ASCII bytes with dots between them, 253 bytes in all.",
	},
});
