/** A container's specification as it came, judged: everything that can be refused without asking anybody. */
import type { ContainerSpec, NetworkAttachment } from "#gen/wharf/container/v1/container.ts";
import { Ip } from "#lib/address/ip.ts";
import { atField } from "#lib/fault/fault.ts";
import { networkMode, sharedNetworkOf } from "./container.ts";
import { DEFAULT_BRIDGE } from "../default-bridge.ts";
import { gatewayFaults } from "../faults.ts";
import { NAME, parseLinks, parseNames } from "./parse-names.ts";

const NUL = "\0";
const MAX_PORT = 65_535;
const NOTHING_ASKED: Omit<NetworkAttachment, "network"> = { addresses: [], aliases: [], gatewayPriority: 0, links: [] };

export function parseSpec(spec: ContainerSpec | undefined): ContainerSpec {
	const given = withDefaults(spec);
	const { name, image, command, environment } = given;
	if (name !== "" && !NAME.test(name)) throw gatewayFaults.INVALID_NAME({ what: "name", name }, { field: "spec.name" });
	parseNames(given);
	if (command.length === 0 || command[0] === "") throw gatewayFaults.NO_COMMAND({ image }, { field: "spec.command" });
	for (const [index, entry] of environment.entries()) {
		if (!/^[^=]+=/.test(entry) || entry.includes(NUL)) {
			throw gatewayFaults.INVALID_ENVIRONMENT({ entry }, { field: `spec.environment[${index}]` });
		}
	}
	for (const [index, { containerPort, hostPort, hostPortEnd }] of given.ports.entries()) {
		const field = `spec.ports[${index}]`;
		if (containerPort < 1 || containerPort > MAX_PORT)
			throw gatewayFaults.INVALID_PORT({ port: String(containerPort) }, { field });
		for (const port of [hostPort, hostPortEnd])
			if (port > MAX_PORT) throw gatewayFaults.INVALID_PORT({ port: String(port) }, { field });
	}
	if (given.log?.maxFiles === 0) throw gatewayFaults.INVALID_LOG_LIMIT({}, { field: "spec.log.max_files" });
	parseNetworks(given);
	return given;
}

function withDefaults(spec: ContainerSpec | undefined): ContainerSpec {
	const networks = spec?.networks ?? [];
	return {
		name: "",
		command: [],
		environment: [],
		ports: [],
		mounts: [],
		autoRemove: false,
		labels: {},
		hostname: "",
		log: undefined,
		dns: undefined,
		extraHosts: [],
		domainname: "",
		volumesFrom: [],
		...spec,
		image: spec?.image === undefined || spec.image === "" ? "host" : spec.image,
		networks: networks.length === 0 ? [{ network: DEFAULT_BRIDGE, ...NOTHING_ASKED }] : networks,
	};
}

function parseNetworks(spec: ContainerSpec): void {
	const { networks, ports } = spec;
	const mode = networkMode({ networks });
	if (mode === "container") return parseShared(spec);
	const names = networks.map(({ network }) => network);
	for (const [index, { network, addresses, aliases, gatewayPriority, links }] of networks.entries()) {
		const field = `spec.networks[${index}]`;
		if (names.indexOf(network) !== index) throw gatewayFaults.NETWORK_GIVEN_TWICE({ network }, { field });
		if (networks.length > 1 && networkMode({ networks: networks.slice(index) }) !== "networks") {
			throw gatewayFaults.NETWORK_STANDS_ALONE({ network }, { field });
		}
		const ofEndpoints = [
			["addresses and names", addresses.length + aliases.length > 0],
			["a gateway priority", gatewayPriority !== 0],
			["links", links.length > 0],
		] as const;
		const [what] = ofEndpoints.find(([, isAsked]) => mode !== "networks" && isAsked) ?? [];
		if (what !== undefined) throw gatewayFaults.NETWORK_HAS_NO_ENDPOINTS({ network, what }, { field });
		for (const address of addresses) atField(`${field}.addresses`, () => Ip.parse(address));
		parseLinks(links, `${field}.links`);
	}
	if (mode !== "networks" && ports.length > 0) {
		throw gatewayFaults.NETWORK_HAS_NO_ENDPOINTS({ network: mode, what: "ports to publish" }, { field: "spec.ports" });
	}
}

/** Another's network is used as it is. */
function parseShared({ networks, ports, hostname, domainname, dns, extraHosts }: ContainerSpec): void {
	const owner = sharedNetworkOf({ networks });
	const { addresses, aliases, gatewayPriority, links } = networks[0] ?? NOTHING_ASKED;
	const { servers, search, options } = dns ?? { servers: [], search: [], options: [] };
	if (networks.length > 1) {
		throw gatewayFaults.NETWORK_STANDS_ALONE({ network: `container:${owner}` }, { field: "spec.networks[0]" });
	}
	if (owner === "") throw gatewayFaults.CONTAINER_NOT_FOUND({ container: owner }, { field: "spec.networks[0]" });
	const given = [
		["spec.networks[0]", "addresses and names", addresses.length + aliases.length],
		["spec.networks[0]", "gateway priority", Math.abs(gatewayPriority)],
		["spec.ports", "ports to publish", ports.length],
		["spec.networks[0]", "links", links.length],
		["spec.hostname", "host name", hostname.length],
		["spec.domainname", "domain", domainname.length],
		["spec.dns", "DNS settings", servers.length + search.length + options.length],
		["spec.extra_hosts", "extra hosts", extraHosts.length],
	] as const;
	const [field, what] = given.find(([, , count]) => count > 0) ?? [];
	if (what !== undefined) throw gatewayFaults.NETWORK_IS_SHARED({ owner, what }, { field });
}

/** Of a container that is there already. */
export function parseAttachment(attachment: NetworkAttachment | undefined): NetworkAttachment {
	const { network = "", addresses = [], aliases = [], gatewayPriority = 0, links = [] } = attachment ?? {};
	for (const address of addresses) atField("network.addresses", () => Ip.parse(address));
	parseLinks(links, "network.links");
	return { network, addresses, aliases, gatewayPriority, links };
}
