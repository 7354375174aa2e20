/** The options of the macvlan driver, under Docker's names: text in, typed values out. */
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { type Family, Ip } from "#lib/address/ip.ts";
import { faults } from "../faults.ts";
import { isMadeOfId } from "../id.ts";
import type { MacvlanMode, MadeParent } from "../kernel/links.ts";
import type { NetworkAsked, TextMap } from "../network.ts";
import { parsed } from "../option.ts";
import { HIGHEST_MTU, LOWEST_MTU, MTU, parseMtu, refuseUnknown } from "./bridge-options.ts";

export interface MacvlanOptions {
	/** The host's interface that containers are on; undefined: one that leads nowhere, made for the network. */
	readonly parent: IfName | undefined;
	readonly mode: MacvlanMode;
	/** Undefined: the parent's. */
	readonly mtu: number | undefined;
	/** The host has a link of its own beside its containers'; undefined: by the kernel's design it does not reach them. */
	readonly shim: Shim | undefined;
}

/** The host's addresses there: any of each family, or these. */
type Shim = "auto" | readonly Ip[];

const PARENT = "parent";
const MODE = "macvlan_mode";
const SHIM = "wharf.macvlan.host_shim";

const MODES = ["bridge", "private", "vepa", "passthru"] as const;

/** IEEE 802.1Q: 0 and 4095 are reserved. */
const HIGHEST_VLAN = 4094;

export function parseMacvlanOptions(options: TextMap): MacvlanOptions {
	refuseUnknown("macvlan", options, [PARENT, MODE, MTU, SHIM]);
	return {
		parent: parsed(options, PARENT, "an interface of the host as eth1, or a sub-interface as eth1.30", parseParent),
		mode: parsed(options, MODE, MODES.join(", "), parseMode) ?? "bridge",
		mtu: parsed(options, MTU, `${LOWEST_MTU} to ${HIGHEST_MTU}`, parseMtu),
		shim: parsed(options, SHIM, "auto, or an address of each family with a comma between", parseShim),
	};
}

/** Refuses what contradicts itself, or what else the network shall be. */
export function checkMacvlanOptions(options: TextMap, { subnets }: NetworkAsked): void {
	const { mode, shim } = parseMacvlanOptions(options);
	if (shim === undefined) return;
	const refuse = (allowed: string): never => {
		const metadata = { option: SHIM, value: options[SHIM] ?? "", allowed };
		throw faults.INVALID_OPTION(metadata, { field: `options[${SHIM}]` });
	};
	if (mode !== "bridge") refuse("for the mode bridge alone: in others the host would not reach its containers either");
	for (const address of shim === "auto" ? [] : shim) {
		if (!subnets.some(({ cidr }) => cidr?.contains(address) === true))
			refuse("auto, or addresses of subnets that are given");
	}
}

/** Undefined: the family has none. */
export function shimAddress(shim: Shim, family: Family): "auto" | Ip | undefined {
	return shim === "auto" ? "auto" : shim.find((address) => address.family === family);
}

/** What `eth1.30` names where no link has that name; undefined for a name that is not of that form. */
export function subInterfaceOf(parent: IfName): MadeParent | undefined {
	const [, on = "", id = ""] = /^(.+)\.([1-9][0-9]{0,3})$/.exec(parent) ?? [];
	return on === "" || Number(id) > HIGHEST_VLAN ? undefined : { kind: "802.1q", on: parseIfName(on), id: Number(id) };
}

/** netd's own links come and go with their networks and endpoints. */
function parseParent(text: string): IfName | undefined {
	const name = parseIfName(text);
	return isMadeOfId(name) || name === "lo" ? undefined : name;
}

/** At most one of each family. */
function parseShim(text: string): Shim | undefined {
	if (text === "auto") return "auto";
	const addresses = text.split(",").map((one) => Ip.parse(one));
	return new Set(addresses.map(({ family }) => family)).size === addresses.length ? addresses : undefined;
}

function parseMode(text: string): MacvlanMode | undefined {
	return MODES.find((mode) => mode === text);
}
