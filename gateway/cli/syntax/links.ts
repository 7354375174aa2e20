/** `--link` as Docker has it: `CONTAINER`, or `CONTAINER:ALIAS`. */
import { syntaxFaults } from "./faults.ts";

export interface LinkWish {
	readonly container: string;
	/** Empty: the container's own name. */
	readonly alias: string;
}

export function parseLink(text: string): LinkWish {
	const [container = "", alias = "", more] = text.split(":");
	const isWrong = container === "" || more !== undefined || (alias === "" && text.includes(":"));
	if (!isWrong) return { container, alias };
	throw syntaxFaults.INVALID_VALUE(
		{ what: "The link", value: text, allowed: "CONTAINER or CONTAINER:ALIAS" },
		{ field: "links" },
	);
}
