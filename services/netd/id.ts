/** Ids, the names that are derived from them, and the names that people give. */
import { randomBytes } from "node:crypto";
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { faults } from "./faults.ts";

const SHORT = 12;

/** 64 hexadecimal digits, never used twice. */
export function newId(): string {
	return randomBytes(32).toString("hex");
}

/** The first 12 digits, as people see it. */
export function shortId(id: string): string {
	return id.slice(0, SHORT);
}

/** As a person knows a sandbox, whose name may be empty. */
export function nameOf({ id, name }: { readonly id: string; readonly name: string }): string {
	return name || shortId(id);
}

/** The bridge of a network, unless its options name another. */
export function bridgeName(networkId: string): IfName {
	return parseIfName(`wh-${shortId(networkId)}`);
}

/** The host's end of an endpoint's link. */
export function legName(endpointId: string): IfName {
	return parseIfName(`wv-${shortId(endpointId)}`);
}

/** The host's own link on the segment of a network. */
export function shimName(networkId: string): IfName {
	return parseIfName(`ws-${shortId(networkId)}`);
}

/** True for a name that only `bridgeName` makes. */
export function isBridgeName(name: string): boolean {
	return /^wh-[0-9a-f]{12}$/.test(name);
}

/** True for a name that only `shimName` makes. */
export function isShimName(name: string): boolean {
	return /^ws-[0-9a-f]{12}$/.test(name);
}

/** True for a name that only `legName` makes. */
export function isLegName(name: string): boolean {
	return /^wv-[0-9a-f]{12}$/.test(name);
}

/** True for the name of a link that only an id makes. */
export function isMadeOfId(name: string): boolean {
	return isBridgeName(name) || isShimName(name) || isLegName(name);
}

/** True for a name that the kernel gives no other link: the loopback's, and those of the settings of all of them. */
export function isReservedName(name: string): boolean {
	return name === "lo" || name === "all" || name === "default";
}

const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;

/** As Docker allows them; `what` is for the sentence: "a network". */
export function parseName(what: string, name: string): string {
	if (!NAME.test(name)) throw faults.INVALID_NAME({ what, name });
	return name;
}
