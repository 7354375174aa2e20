/** What keeps a backup from being begun, or a command beside it from being counted as done. */
import { catalogue } from "#lib/fault/catalogue.ts";

export const backupFaults = catalogue("cli", {
	NO_VOLUME_FITS: {
		code: "NOT_FOUND",
		message: (m: { filter: string }) => (m.filter === "" ? "There is no volume." : `No volume fits ${m.filter}.`),
		help: () => "Nothing was archived; `wharf volume ls` takes the same filters.",
	},
	VOLUMES_MISSING: {
		code: "NOT_FOUND",
		message: (m: { volumes: string }) => `There is no volume ${m.volumes}.`,
		help: () => "Nothing was archived, of no volume; `wharf volume ls` lists what there is.",
	},
	HOOK_FAILED: {
		code: "FAILED_PRECONDITION",
		message: (m: { container: string; command: string; status: string }) =>
			`In ${m.container} \`${m.command}\` ended with status ${m.status}.`,
	},
	HOOK_TOO_LONG: {
		code: "FAILED_PRECONDITION",
		message: (m: { container: string; command: string; seconds: string; end: "was ended" | "does not end" }) =>
			`In ${m.container} \`${m.command}\` was not done within ${m.seconds} s, and ${m.end}.`,
		help: () => "`--hook-timeout` says how long it may take.",
	},
});
