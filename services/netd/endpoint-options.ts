/** The options of an endpoint, under Docker's names: text in, typed values out. Every driver with links has them. */
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { suggestion } from "#lib/text/nearest.ts";
import { faults } from "./faults.ts";
import { isReservedName } from "./id.ts";
import type { Setting } from "./kernel/links.ts";
import type { TextMap } from "./network.ts";
import { parsed } from "./option.ts";

export interface EndpointOptions {
	/** Undefined: the network's prefix and a number. */
	readonly interface: IfName | undefined;
	readonly settings: readonly Setting[];
}

const PREFIX = "com.docker.network.endpoint.";
export const INTERFACE = `${PREFIX}ifname`;
const SETTINGS = `${PREFIX}sysctls`;
const KNOWN = [INTERFACE, SETTINGS];

const MOST_SETTINGS = 64;
/** IFNAME stands for the interface, whatever it is named; no other's settings can be said. */
const SETTING = /^net\.(ipv[46]\.(?:conf|neigh)|mpls\.conf)\.IFNAME\.([a-z0-9_]{1,64})=([0-9A-Za-z:._-]{1,64})$/;

export function parseEndpointOptions(options: TextMap): EndpointOptions {
	const unknown = Object.keys(options).find((option) => !KNOWN.includes(option));
	if (unknown !== undefined) {
		const metadata = { option: unknown, nearest: suggestion(unknown, KNOWN) ?? "", known: KNOWN.join(", ") };
		throw faults.UNKNOWN_ENDPOINT_OPTION(metadata, { field: fieldOf(unknown) });
	}
	const allowed = `at most ${MOST_SETTINGS} as net.ipv4.conf.IFNAME.log_martians=1, each once, with commas between, but disable_ipv6`;
	return {
		interface: parsed(options, INTERFACE, "1 to 15 bytes that can name an interface; not lo, all, default", parseName),
		settings: parsed(options, SETTINGS, allowed, parseSettings) ?? [],
	};
}

export function fieldOf(option: string): string {
	return `options[${option}]`;
}

function parseName(text: string): IfName | undefined {
	const name = parseIfName(text);
	return isReservedName(name) ? undefined : name;
}

/** Whether there is IPv6 on the interface is the network's to say. */
function parseSettings(text: string): Setting[] | undefined {
	const settings = text.split(",").map((one) => {
		const [, group, name, value] = SETTING.exec(one) ?? [];
		if (group === undefined || name === undefined || value === undefined || name === "disable_ipv6") return undefined;
		return { group: `net/${group.replace(".", "/")}`, name, value };
	});
	const names = new Set(settings.map((setting) => setting && `${setting.group} ${setting.name}`));
	const whole = settings.filter((setting) => setting !== undefined);
	return whole.length === settings.length && names.size === settings.length && names.size <= MOST_SETTINGS
		? whole
		: undefined;
}
