/** What `run` and `create` have in common: their flags, and the specification that these make. */
import { ContainerSpec } from "#gen/wharf/container/v1/container.ts";
import { Protocol } from "#gen/wharf/network/v1/endpoint.ts";
import { DEFAULT_BRIDGE } from "../default-bridge.ts";
import { MOUNT_FLAGS, mountsOf, type ParseMounts } from "./mount-flags.ts";
import type { Flags, ValuesOf } from "./syntax/command.ts";
import { syntaxFaults } from "./syntax/faults.ts";
import { parseExtraHost } from "./syntax/extra-hosts.ts";
import { parseLink } from "./syntax/links.ts";
import { parseLogOptions } from "./syntax/log-options.ts";
import { type NetworkWish, parseNetwork } from "./syntax/networks.ts";
import { parseEnvironment, parsePairs } from "./syntax/pairs.ts";
import { parsePorts, type Transport } from "./syntax/ports.ts";
import { parseVolumesFrom } from "./syntax/volumes-from.ts";
import type { Terminal } from "./terminal.ts";

const TRANSPORTS: Readonly<Record<Transport, Protocol>> = { tcp: Protocol.TCP, udp: Protocol.UDP, sctp: Protocol.SCTP };

export const CONTAINER_FLAGS = {
	name: { kind: "text", value: "NAME", help: "Its name; one is made up without this" },
	network: {
		kind: "list",
		value: "NETWORK",
		also: ["--net"],
		help: "A network to join, any number of times; `host`, `none` or `container:NAME`, which shares that one's, alone; `bridge` without this; name=NETWORK,alias=NAME,ip=ADDRESS,ip6=ADDRESS,gw-priority=NUMBER as well",
	},
	ip: { kind: "text", value: "ADDRESS", help: "Its IPv4 address on the first network" },
	ip6: { kind: "text", value: "ADDRESS", help: "Its IPv6 address on the first network" },
	"network-alias": { kind: "list", value: "NAME", also: ["--net-alias"], help: "Another name on the first network" },
	publish: {
		kind: "list",
		short: "p",
		value: "PORT",
		help: "Publish a port: 8080:80, 127.0.0.1:8080:80, 8000-8003:80-83, 8000-8010:80 (a free one of these), 53:53/udp, 80",
	},
	...MOUNT_FLAGS,
	env: {
		kind: "list",
		short: "e",
		value: "NAME=VALUE",
		help: "Set an environment variable; a name alone takes its value from here",
	},
	hostname: {
		kind: "text",
		short: "h",
		value: "NAME",
		help: "The name it calls itself; the first 12 digits of its id without this",
	},
	domainname: { kind: "text", value: "DOMAIN", help: "Its domain: its whole name is NAME.DOMAIN then" },
	dns: {
		kind: "list",
		value: "ADDRESS",
		help: "A server for names that are not wharf's; those of its networks, or the host's, without this",
	},
	"dns-search": { kind: "list", value: "DOMAIN", help: "A domain to look names up in; `.` for none" },
	"dns-option": {
		kind: "list",
		value: "OPTION",
		also: ["--dns-opt"],
		help: "An option of its resolv.conf, as timeout:2; ndots:0 where wharf resolves names, unless it is one of these",
	},
	"add-host": {
		kind: "list",
		value: "NAME:ADDRESS",
		help: "A line of its /etc/hosts; NAME:host-gateway is the host's address on its networks",
	},
	link: {
		kind: "list",
		value: "CONTAINER[:ALIAS]",
		help: "Another container on the first network, by a name for this one alone",
	},
	label: { kind: "list", short: "l", value: "KEY=VALUE", help: "A label" },
	"log-opt": {
		kind: "list",
		value: "KEY=VALUE",
		help: "The bound of its log: max-size=10m and max-file=3 without this; max-size=-1 for none",
	},
	rm: { kind: "switch", help: "Remove it, and its volumes without a name, when its program ends" },
} as const satisfies Flags;

/** volumed is asked last, and only about mounts. */
export async function specOf(
	flags: ValuesOf<typeof CONTAINER_FLAGS>,
	[image = "", ...command]: readonly string[],
	{ env, cwd }: Pick<Terminal, "env" | "cwd">,
	parseMounts: ParseMounts,
): Promise<ContainerSpec> {
	if (image === "") {
		throw syntaxFaults.INVALID_VALUE({ what: "The image", value: image, allowed: "the name of one, as host" });
	}
	const addresses = [flags.ip, flags.ip6].filter((one) => one !== undefined);
	const withFlags = (wish: NetworkWish) => ({
		...wish,
		addresses: [...wish.addresses, ...addresses],
		aliases: [...wish.aliases, ...flags["network-alias"]],
		links: flags.link.map(parseLink),
	});
	const names = flags.network.length === 0 ? [DEFAULT_BRIDGE] : flags.network;
	const spec = ContainerSpec.fromPartial({
		name: flags.name ?? "",
		image,
		command,
		environment: parseEnvironment(flags.env, env),
		networks: names.map(parseNetwork).map((wish, index) => (index === 0 ? withFlags(wish) : wish)),
		ports: flags.publish.flatMap(parsePorts).map((port) => ({
			...port,
			protocol: TRANSPORTS[port.protocol],
		})),
		volumesFrom: flags["volumes-from"].map(parseVolumesFrom),
		autoRemove: flags.rm,
		labels: parsePairs(flags.label, "The label"),
		hostname: flags.hostname ?? "",
		domainname: flags.domainname ?? "",
		...dnsOf(flags),
		extraHosts: flags["add-host"].map(parseExtraHost),
		...(flags["log-opt"].length === 0 ? {} : { log: parseLogOptions(flags["log-opt"]) }),
	});
	return { ...spec, mounts: await mountsOf(flags, cwd, parseMounts) };
}

type DnsFlags = Pick<ValuesOf<typeof CONTAINER_FLAGS>, "dns" | "dns-search" | "dns-option">;

/** Nothing where nothing is said. */
function dnsOf({ dns, "dns-search": search, "dns-option": options }: DnsFlags): Pick<Partial<ContainerSpec>, "dns"> {
	if (dns.length + search.length + options.length === 0) return {};
	return { dns: { servers: [...dns], search: [...search], options: [...options] } };
}
