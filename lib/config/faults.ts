/** What is refused before a process begins: its settings. */
import { catalogue } from "#lib/fault/catalogue.ts";

export const configFaults = catalogue("config", {
	INVALID_SETTING: {
		code: "INVALID_ARGUMENT",
		message: (m: { setting: string; value: string; allowed: string }) =>
			`${m.setting} is ${m.value}; allowed is ${m.allowed}.`,
	},
	UNKNOWN_SETTING: {
		code: "INVALID_ARGUMENT",
		message: (m: { setting: string; file: string; nearest: string }) =>
			`${m.file} has a setting ${m.setting} that does not exist; the nearest one is ${m.nearest}.`,
		help: (m) => `Rename or remove ${m.setting}.`,
	},
	INVALID_SETTINGS_FILE: {
		code: "INVALID_ARGUMENT",
		message: (m: { file: string; problem: string }) => `${m.file} cannot be used: ${m.problem}.`,
		help: () => "It is one JSON object of settings; remove the file to run with the defaults.",
	},
});
