/** A container in the shape of `docker inspect`. */
import { ContainerState, type Container } from "#gen/wharf/container/v1/container.ts";
import type { Endpoint } from "#gen/wharf/network/v1/endpoint.ts";
import { bridgeLinks, DEFAULT_BRIDGE } from "../../default-bridge.ts";
import { stateWord } from "./container-text.ts";
import { anonymousVolumesJson, askedMountsJson, mountJson } from "./mounts-json.ts";
import { protocolWord } from "./published.ts";

const NEVER = "0001-01-01T00:00:00Z";

export function containerJson(container: Container): Record<string, unknown> {
	const { id, spec, endpoints, mounts } = container;
	const [path = "", ...args] = spec?.command ?? [];
	return {
		Id: id,
		Created: container.createdAt?.toISOString() ?? NEVER,
		Path: path,
		Args: args,
		State: stateJson(container),
		Image: spec?.image ?? "",
		Name: `/${spec?.name ?? ""}`,
		Driver: "overlay",
		Platform: "linux",
		HostConfig: {
			NetworkMode: spec?.networks[0]?.network ?? DEFAULT_BRIDGE,
			AutoRemove: spec?.autoRemove ?? false,
			PortBindings: bindings(spec?.ports ?? []),
			Runtime: "runc",
			Dns: spec?.dns?.servers ?? [],
			DnsSearch: spec?.dns?.search ?? [],
			DnsOptions: spec?.dns?.options ?? [],
			ExtraHosts: (spec?.extraHosts ?? []).map(({ name, address }) => `${name}:${address}`),
			Links: olderLinksJson(spec),
			...askedMountsJson(spec ?? { mounts: [], volumesFrom: [] }),
		},
		Mounts: mounts.map(mountJson),
		Config: {
			Hostname: spec?.hostname || id.slice(0, 12),
			Domainname: spec?.domainname ?? "",
			Env: spec?.environment ?? [],
			Cmd: spec?.command ?? [],
			Image: spec?.image ?? "",
			Volumes: anonymousVolumesJson(spec?.mounts ?? []),
			Labels: spec?.labels ?? {},
		},
		NetworkSettings: networkSettings(container, endpoints),
	};
}

/** Docker's older links; those on networks of one's own are with these. */
function olderLinksJson(spec: Container["spec"]): string[] | null {
	const links = bridgeLinks(spec?.networks ?? []);
	if (links.length === 0) return null;
	return links.map(({ container, alias }) => `/${container}:/${spec?.name ?? ""}/${alias}`);
}

function stateJson({ state, pid, exitCode, error, startedAt, finishedAt }: Container): Record<string, unknown> {
	return {
		Status: stateWord(state),
		Running: state === ContainerState.RUNNING,
		Paused: false,
		Restarting: false,
		Dead: false,
		Pid: pid,
		ExitCode: exitCode,
		Error: error,
		StartedAt: startedAt?.toISOString() ?? NEVER,
		FinishedAt: finishedAt?.toISOString() ?? NEVER,
	};
}

function networkSettings({ sandboxId, netnsPath }: Container, endpoints: readonly Endpoint[]): Record<string, unknown> {
	const primary = endpoints.find(({ defaultGateway }) => defaultGateway) ?? endpoints[0];
	const first = primary === undefined ? NO_ENDPOINT : endpointJson(primary);
	const {
		EndpointID,
		Gateway,
		IPAddress,
		IPPrefixLen,
		IPv6Gateway,
		GlobalIPv6Address,
		GlobalIPv6PrefixLen,
		MacAddress,
	} = first;
	return {
		SandboxID: sandboxId,
		SandboxKey: netnsPath,
		Ports: bindings(endpoints.flatMap(({ ports }) => ports)),
		...{ EndpointID, Gateway, IPAddress, IPPrefixLen, IPv6Gateway, GlobalIPv6Address, GlobalIPv6PrefixLen, MacAddress },
		Networks: Object.fromEntries(endpoints.map((endpoint) => [endpoint.networkName, endpointJson(endpoint)])),
	};
}

const NO_ENDPOINT = {
	Aliases: [] as string[],
	Links: null as string[] | null,
	GwPriority: 0,
	NetworkID: "",
	EndpointID: "",
	Gateway: "",
	IPAddress: "",
	IPPrefixLen: 0,
	IPv6Gateway: "",
	GlobalIPv6Address: "",
	GlobalIPv6PrefixLen: 0,
	MacAddress: "",
};

function endpointJson(endpoint: Endpoint): typeof NO_ENDPOINT {
	const [v4, v6] = [
		endpoint.addresses.find((one) => !one.includes(":")),
		endpoint.addresses.find((one) => one.includes(":")),
	];
	return {
		Aliases: endpoint.aliases,
		Links: linksJson(endpoint),
		GwPriority: endpoint.gatewayPriority,
		NetworkID: endpoint.networkId,
		EndpointID: endpoint.id,
		Gateway: endpoint.gateways.find((one) => !one.includes(":")) ?? "",
		IPAddress: v4?.split("/")[0] ?? "",
		IPPrefixLen: Number(v4?.split("/")[1] ?? 0),
		IPv6Gateway: endpoint.gateways.find((one) => one.includes(":")) ?? "",
		GlobalIPv6Address: v6?.split("/")[0] ?? "",
		GlobalIPv6PrefixLen: Number(v6?.split("/")[1] ?? 0),
		MacAddress: endpoint.mac,
	};
}

function linksJson({ links }: Endpoint): string[] | null {
	const pairs = Object.entries(links);
	return pairs.length === 0 ? null : pairs.map(([alias, container]) => `${container}:${alias}`);
}

interface Binding {
	readonly HostIp: string;
	readonly HostPort: string;
}

function bindings(ports: Endpoint["ports"]): Record<string, Binding[]> {
	const result: Record<string, Binding[]> = {};
	for (const { protocol, hostAddress, hostPort, containerPort } of ports) {
		const list = (result[`${containerPort}/${protocolWord(protocol)}`] ??= []);
		list.push({
			HostIp: hostAddress === "" ? "0.0.0.0" : hostAddress,
			HostPort: hostPort === 0 ? "" : String(hostPort),
		});
	}
	return result;
}
