/** `--add-host` as Docker has it: `NAME:ADDRESS` or `NAME=ADDRESS`, an IPv6 address with or without brackets. */
import { syntaxFaults } from "./faults.ts";

export interface HostWish {
	readonly name: string;
	/** Not judged here; `host-gateway` for the host's own. */
	readonly address: string;
}

export function parseExtraHost(text: string): HostWish {
	const at = text.includes("=") ? text.indexOf("=") : text.indexOf(":");
	const name = text.slice(0, Math.max(at, 0));
	const address = text.slice(at + 1).replace(/^\[(.*)\]$/, "$1");
	if (at > 0 && address !== "") return { name, address };
	const allowed = "NAME:ADDRESS, or NAME:host-gateway for the host's own address";
	throw syntaxFaults.INVALID_VALUE({ what: "The extra host", value: text, allowed }, { field: "extra_hosts" });
}
