/** The name of a sandbox's next interface. Pure. */
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { fieldOf, INTERFACE } from "./endpoint-options.ts";
import { faults } from "./faults.ts";

/**
 * The one asked for, or the prefix and the lowest number that neither the store nor the namespace has: an adopted one has links
 * of its own. `sandbox` is the name for the sentence.
 */
export function freeInterface(
	asked: IfName | undefined,
	prefix: string,
	present: readonly IfName[],
	sandbox: string,
): IfName {
	const taken = new Set<string>(present);
	if (asked !== undefined) {
		if (!taken.has(asked)) return asked;
		throw faults.INTERFACE_NAME_TAKEN({ interface: asked, sandbox }, { field: fieldOf(INTERFACE) });
	}
	for (let number = 0; ; number += 1) {
		if (!taken.has(`${prefix}${number}`)) return parseIfName(`${prefix}${number}`);
	}
}
