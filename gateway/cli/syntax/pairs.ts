/** `KEY=value` flags: labels, options, environments. */
import { syntaxFaults } from "./faults.ts";

/** A key alone has an empty value; the last one of a key wins. */
export function parsePairs(texts: readonly string[], what: string): Record<string, string> {
	return Object.fromEntries(
		texts.map((text) => {
			const at = text.indexOf("=");
			if (at === 0 || text === "") throw syntaxFaults.INVALID_VALUE({ what, value: text, allowed: "KEY=VALUE" });
			return at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
		}),
	);
}

/** As Docker's `-e`: a name alone takes its value from the caller's environment, and is left out when it is not there. */
export function parseEnvironment(texts: readonly string[], own: NodeJS.ProcessEnv): string[] {
	return texts.flatMap((text) => {
		const at = text.indexOf("=");
		if (at === 0 || text === "") {
			throw syntaxFaults.INVALID_VALUE({
				what: "The environment variable",
				value: text,
				allowed: "NAME=VALUE or NAME",
			});
		}
		if (at > 0) return [text];
		const value = own[text];
		return value === undefined ? [] : [`${text}=${value}`];
	});
}
