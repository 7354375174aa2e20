/** The name of a sandbox's next interface. */
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Links } from "./kernel/links.ts";
import type { Sandbox } from "./sandbox.ts";

/** The lowest that neither the store nor the namespace has: an adopted one has links of its own. */
export function freeInterface(
	links: Links,
	{ netnsPath }: Sandbox,
	endpoints: readonly Endpoint[],
	prefix: string,
): IfName {
	const stored = endpoints.map((endpoint) => endpoint.interface);
	const taken = new Set<string>([...links.interfaces(netnsPath), ...stored]);
	for (let number = 0; ; number += 1) {
		if (!taken.has(`${prefix}${number}`)) return parseIfName(`${prefix}${number}`);
	}
}
