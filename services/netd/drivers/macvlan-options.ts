/** The options of the macvlan driver, under Docker's names: text in, typed values out. */
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { isBridgeName, isLegName } from "../id.ts";
import type { MacvlanMode, MadeParent } from "../kernel/links.ts";
import type { TextMap } from "../network.ts";
import { parsed } from "../option.ts";
import { HIGHEST_MTU, LOWEST_MTU, parseMtu, refuseUnknown } from "./bridge-options.ts";

export interface MacvlanOptions {
	/** The host's interface that containers are on; undefined: one that leads nowhere, made for the network. */
	readonly parent: IfName | undefined;
	readonly mode: MacvlanMode;
	/** Undefined: the parent's. */
	readonly mtu: number | undefined;
}

const PARENT = "parent";
const MODE = "macvlan_mode";
const MTU = "com.docker.network.driver.mtu";

const MODES = ["bridge", "private", "vepa", "passthru"] as const;

/** IEEE 802.1Q: 0 and 4095 are reserved. */
const HIGHEST_VLAN = 4094;

export function parseMacvlanOptions(options: TextMap): MacvlanOptions {
	refuseUnknown("macvlan", options, [PARENT, MODE, MTU]);
	return {
		parent: parsed(options, PARENT, "an interface of the host as eth1, or a sub-interface as eth1.30", parseParent),
		mode: parsed(options, MODE, MODES.join(", "), parseMode) ?? "bridge",
		mtu: parsed(options, MTU, `${LOWEST_MTU} to ${HIGHEST_MTU}`, parseMtu),
	};
}

/** What `eth1.30` names where no link has that name; undefined for a name that is not of that form. */
export function subInterfaceOf(parent: IfName): MadeParent | undefined {
	const [, on = "", id = ""] = /^(.+)\.([1-9][0-9]{0,3})$/.exec(parent) ?? [];
	return on === "" || Number(id) > HIGHEST_VLAN ? undefined : { kind: "802.1q", on: parseIfName(on), id: Number(id) };
}

/** netd's own links come and go with their networks and endpoints. */
function parseParent(text: string): IfName | undefined {
	const name = parseIfName(text);
	return isBridgeName(name) || isLegName(name) || name === "lo" ? undefined : name;
}

function parseMode(text: string): MacvlanMode | undefined {
	return MODES.find((mode) => mode === text);
}
