/** What keeps a command from telling what it has to tell. */
import { catalogue } from "#lib/fault/catalogue.ts";

export const outputFaults = catalogue("cli", {
	OUTPUT_FAILED: {
		code: "RESOURCE_EXHAUSTED",
		message: (m: { name: string; problem: string }) => `${m.name} cannot be written: ${m.problem}.`,
		help: () => "What is there of it is not whole.",
	},
});
