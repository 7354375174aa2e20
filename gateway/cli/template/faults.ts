/** What is wrong with a template, or with a template for what it is asked of. `at` is line:column, from 1. */
import { catalogue } from "#lib/fault/catalogue.ts";

const EVERYTHING = "`{{json .}}` prints all that there is to ask for.";

export const templateFaults = catalogue("template", {
	INVALID_TEMPLATE: {
		code: "INVALID_ARGUMENT",
		message: (m: { at: string; problem: string }) => `The template is not valid at ${m.at}: ${m.problem}.`,
		help: () => "A template is text with actions of Go's text/template in it, as `{{.Name}}: {{.Driver}}`.",
	},
	NO_SUCH_FIELD: {
		code: "INVALID_ARGUMENT",
		message: (m: { at: string; field: string; owner: string; nearest: string }) =>
			`There is no ${m.field}, which the template asks for at ${m.at}${m.nearest === "" ? `: ${m.owner}.` : `; did you mean ${m.nearest}?`}`,
		help: () => EVERYTHING,
	},
	TEMPLATE_FAILED: {
		code: "INVALID_ARGUMENT",
		message: (m: { at: string; problem: string }) => `The template fails at ${m.at}: ${m.problem}.`,
		help: () => EVERYTHING,
	},
	TEMPLATE_TOO_LARGE: {
		code: "RESOURCE_EXHAUSTED",
		message: (m: { at: string; limit: string }) => `The template needs more than ${m.limit} at ${m.at}.`,
		help: () => "Ask for less: mostly it is a range within a range.",
	},
});
