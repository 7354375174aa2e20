/** What the sandbox `web` sees in tests: two networks, names with one, two and very many addresses, and a name of both networks. */
import { Ip } from "#lib/address/ip.ts";
import type { Asker } from "../answer.ts";
import { type Leg, type Sandbox, Zone } from "../zone.ts";

export const TTL_SECONDS = 5;
/** As many addresses as no message holds. */
export const CROWD = 5_000;

function leg(network: string, endpointId: string, addresses: readonly string[], aliases: readonly string[] = []): Leg {
	return {
		endpointId,
		networkId: network,
		networkName: network,
		addresses: addresses.map((address) => Ip.parse(address)),
		aliases,
	};
}

function container(name: string, ...legs: readonly Leg[]): Sandbox {
	return {
		id: name,
		netnsPath: "/nowhere",
		name,
		owner: `${name}0123456789abcdef`,
		hostname: `${name}-host`,
		resolverPort: 0,
		dnsServers: [],
		forwards: true,
		legs,
	};
}

const crowd = Array.from({ length: CROWD }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`);

/** All there is; `web` is the one who asks. */
export const SANDBOXES: readonly Sandbox[] = [
	container("web", leg("frontend", "web-f", ["172.18.0.2", "fd00::2"], ["www"]), leg("back", "web-b", ["172.19.0.2"])),
	container("four", leg("frontend", "four-f", ["172.18.0.4"], ["pool"])),
	container("six", leg("frontend", "six-f", ["fd00::6"])),
	container("five", leg("frontend", "five-f", ["172.18.0.5"], ["pool"])),
	container("both", leg("back", "both-b", ["172.19.0.9"]), leg("frontend", "both-f", ["172.18.0.9"])),
	container("crowd", leg("frontend", "crowd-f", crowd)),
	container("stranger", leg("other", "stranger-o", ["172.20.0.2"])),
];

let zone = Zone.empty(TTL_SECONDS);
for (const sandbox of SANDBOXES) zone = zone.with(sandbox);

/** `forwards`: it has a way out. */
export function askerOfWeb(forwards: boolean): Asker {
	return { ttlSeconds: TTL_SECONDS, forwards, lookUp: (key) => zone.lookUp("web", key) };
}
