/** The name of a sandbox's next interface. */
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import type { Parts } from "./parts.ts";
import type { Sandbox } from "./sandbox.ts";

/** The lowest that neither the store nor the namespace has: an adopted one has links of its own. */
export function freeInterface(
	{ records, kernel }: Pick<Parts, "records" | "kernel">,
	{ id, netnsPath }: Sandbox,
): IfName {
	const stored = records.endpointsOf(id).map((endpoint) => endpoint.interface);
	const taken = new Set<string>([...kernel.links.interfaces(netnsPath), ...stored]);
	for (let number = 0; ; number += 1) {
		if (!taken.has(`eth${number}`)) return parseIfName(`eth${number}`);
	}
}
