/** netd's own settings. */
import { parseIfName } from "#lib/address/if-name.ts";
import { oneOf, parsedBy, path } from "#lib/config/parsers.ts";
import type { Schema } from "#lib/config/settings.ts";

export const schema = {
	defaultBridge: {
		key: "netd.defaultBridge",
		parse: parsedBy("the name of an interface, 1 to 15 bytes", parseIfName),
		default: parseIfName("wharf0"),
		doc: "The bridge of the network `bridge`.",
	},
	ipamdSocket: {
		key: "netd.ipamdSocket",
		parse: path,
		default: undefined,
		doc: "Where ipamd listens; the instance's own unless it is said.",
	},
	foreignFirewall: {
		key: "netd.foreignFirewall",
		parse: oneOf(["leave", "adapt"]),
		default: "leave",
		doc: "Whether one rule may be kept in the packet rules of Docker, ufw or firewalld where they drop what containers send: `adapt`.",
	},
} as const satisfies Schema;
