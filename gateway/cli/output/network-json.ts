/** A network in the shape of `docker network inspect`. */
import type { Endpoint } from "#gen/wharf/network/v1/endpoint.ts";
import type { Network } from "#gen/wharf/network/v1/network.ts";

export function networkJson(network: Network, endpoints: readonly Endpoint[]): Record<string, unknown> {
	return {
		Name: network.name,
		Id: network.id,
		Created: network.createdAt?.toISOString() ?? "",
		Scope: scopeWord(network),
		Driver: driverWord(network),
		EnableIPv6: network.ipv6,
		IPAM: {
			Driver: "default",
			Options: {},
			Config: network.subnets.map(({ cidr, ipRange, gateway, auxiliaryAddresses }) => ({
				...(cidr === "" ? {} : { Subnet: cidr }),
				...(ipRange === "" ? {} : { IPRange: ipRange }),
				...(gateway === "" ? {} : { Gateway: gateway }),
				...(Object.keys(auxiliaryAddresses).length === 0 ? {} : { AuxiliaryAddresses: auxiliaryAddresses }),
			})),
		},
		Internal: network.internal,
		Attachable: network.attachable,
		Ingress: false,
		ConfigFrom: { Network: network.configFrom },
		ConfigOnly: network.configOnly,
		Containers: Object.fromEntries(
			endpoints.map((endpoint) => [endpoint.owner || endpoint.sandboxId, memberJson(endpoint)]),
		),
		...(network.dnsServers.length === 0 ? {} : { Dns: network.dnsServers }),
		Options: network.options,
		Labels: network.labels,
	};
}

function memberJson({ name, id, mac, addresses }: Endpoint): Record<string, string> {
	return {
		Name: name,
		EndpointID: id,
		MacAddress: mac,
		IPv4Address: addresses.find((one) => !one.includes(":")) ?? "",
		IPv6Address: addresses.find((one) => one.includes(":")) ?? "",
	};
}

export function scopeWord({ scope }: Pick<Network, "scope">): string {
	return scope === "SCOPE_GLOBAL" ? "global" : "local";
}

/** Docker's driver of the network `none` is called null. */
export function driverWord({ driver }: Pick<Network, "driver">): string {
	return driver === "none" ? "null" : driver;
}

/** What `network ls --format json` prints of it. */
export function networkLine(network: Network): Record<string, string> {
	return {
		ID: network.id.slice(0, 12),
		Name: network.name,
		Driver: driverWord(network),
		Scope: scopeWord(network),
		IPv6: String(network.ipv6),
		Internal: String(network.internal),
		CreatedAt: network.createdAt?.toISOString() ?? "",
		Labels: Object.entries(network.labels)
			.map(([key, value]) => `${key}=${value}`)
			.join(","),
	};
}
