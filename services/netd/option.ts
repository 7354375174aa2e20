/** One option out of a map of texts. */
import { Fault } from "#lib/fault/fault.ts";
import { faults } from "./faults.ts";
import type { TextMap } from "./network.ts";

/** `parse` answers undefined, or throws a Fault, for what it does not take. */
export function parsed<T>(
	options: TextMap,
	option: string,
	allowed: string,
	parse: (text: string) => T | undefined,
): T | undefined {
	const value = options[option];
	if (value === undefined) return undefined;
	const refusal = { option, value, allowed };
	try {
		const result = parse(value);
		if (result !== undefined) return result;
	} catch (error) {
		if (!(error instanceof Fault)) throw error;
		throw faults.INVALID_OPTION(refusal, { field: `options[${option}]`, cause: error });
	}
	throw faults.INVALID_OPTION(refusal, { field: `options[${option}]` });
}
