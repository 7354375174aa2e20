/** What is wrong with a command line before anything is asked of a service. */
import { catalogue } from "#lib/fault/catalogue.ts";

export const syntaxFaults = catalogue("cli", {
	UNKNOWN_COMMAND: {
		code: "INVALID_ARGUMENT",
		message: (m: { command: string; nearest: string }) =>
			`There is no command \`wharf ${m.command}\`${m.nearest === "" ? "." : `; did you mean \`wharf ${m.nearest}\`?`}`,
		help: () => "`wharf --help` lists the commands.",
	},
	UNKNOWN_FLAG: {
		code: "INVALID_ARGUMENT",
		message: (m: { command: string; flag: string; nearest: string }) =>
			`\`wharf ${m.command}\` has no flag ${m.flag}${m.nearest === "" ? "." : `; did you mean ${m.nearest}?`}`,
		help: (m) => `\`wharf ${m.command} --help\` lists its flags.`,
	},
	FLAG_MISSING: {
		code: "INVALID_ARGUMENT",
		message: (m: { command: string; flag: string }) => `\`wharf ${m.command}\` needs ${m.flag}.`,
		help: (m) => `\`wharf ${m.command} --help\` says more.`,
	},
	NOTHING_NAMED: {
		code: "NOT_FOUND",
		message: (m: { name: string }) => `There is no container, network or volume ${JSON.stringify(m.name)}.`,
		help: () => "`wharf ps -a`, `wharf network ls` and `wharf volume ls` list what there is.",
	},
	FLAG_NEEDS_VALUE: {
		code: "INVALID_ARGUMENT",
		message: (m: { command: string; flag: string; value: string }) => `${m.flag} needs a value: ${m.flag} ${m.value}.`,
		help: (m) => `\`wharf ${m.command} --help\` says more.`,
	},
	FLAG_TAKES_NO_VALUE: {
		code: "INVALID_ARGUMENT",
		message: (m: { command: string; flag: string; value: string }) =>
			`${m.flag} takes true or false and no other value, and was given ${JSON.stringify(m.value)}.`,
		help: (m) => `\`wharf ${m.command} --help\` says more.`,
	},
	FLAG_GIVEN_TWICE: {
		code: "INVALID_ARGUMENT",
		message: (m: { command: string; flag: string }) => `${m.flag} is given twice.`,
		help: () => "Give it once.",
	},
	TOO_FEW_OPERANDS: {
		code: "INVALID_ARGUMENT",
		message: (m: { command: string; usage: string }) => `\`wharf ${m.command}\` needs more: wharf ${m.usage}`,
		help: (m) => `\`wharf ${m.command} --help\` says more.`,
	},
	TOO_MANY_OPERANDS: {
		code: "INVALID_ARGUMENT",
		message: (m: { command: string; operand: string; usage: string }) =>
			`\`wharf ${m.command}\` does not know what to do with ${JSON.stringify(m.operand)}: wharf ${m.usage}`,
		help: (m) => `\`wharf ${m.command} --help\` says more.`,
	},
	PORT_NOT_PUBLISHED: {
		code: "NOT_FOUND",
		message: (m: { container: string; port: string }) => `${m.container} does not publish ${m.port}.`,
		help: (m) => `\`wharf port ${m.container}\` shows what it publishes.`,
	},
	CONTAINER_WITHOUT_RESOLVER: {
		code: "FAILED_PRECONDITION",
		message: (m: { container: string }) => `Container ${m.container} has no resolver now.`,
		help: (m) =>
			`One that runs on a network of your own has: \`wharf start ${m.container}\`, \`wharf network connect NETWORK ${m.container}\`.`,
	},
	CONTAINER_NOT_RUNNING: {
		code: "FAILED_PRECONDITION",
		message: (m: { container: string }) => `Container ${m.container} does not run.`,
		help: (m) => `\`wharf start ${m.container}\` starts it.`,
	},
	UNKNOWN_FILTER: {
		code: "INVALID_ARGUMENT",
		message: (m: { filter: string; nearest: string; known: string }) =>
			`There is no filter ${JSON.stringify(m.filter)}${m.nearest === "" ? "." : `; did you mean ${m.nearest}?`} There are ${m.known}.`,
	},
	CANCELLED: {
		code: "CANCELLED",
		message: () => "Nothing was done.",
		help: () => "`-f` does it without asking.",
	},
	INVALID_VALUE: {
		code: "INVALID_ARGUMENT",
		message: (m: { what: string; value: string; allowed: string }) =>
			`${m.what} ${JSON.stringify(m.value)} is not valid: it has to be ${m.allowed}.`,
	},
});
