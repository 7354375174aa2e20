/** What a container is called and how it finds others, judged: host name and domain, resolver, extra hosts, links. */
import type { ContainerSpec, DnsSettings, ExtraHost, Link } from "#gen/wharf/container/v1/container.ts";
import { Ip } from "#lib/address/ip.ts";
import { atField } from "#lib/fault/fault.ts";
import { gatewayFaults } from "../faults.ts";

/** Of containers, and of links to them. */
export const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/;
const LABEL = "[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?";
const HOSTNAME = new RegExp(String.raw`^${LABEL}(\.${LABEL})*$`);
/** Of the kernel: HOST_NAME_MAX. */
const LONGEST_HOSTNAME = 64;
/** What a container that says no name is called: so many digits of its id. */
const DEFAULT_HOSTNAME = "0".repeat(12);
/** RFC 1035 §2.3.4, without the root. */
const LONGEST_DOMAIN = 253;
/** Underscores are in names that people search, if not in host names. */
const DOMAIN = /^[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?(\.[a-zA-Z0-9_]([a-zA-Z0-9_-]*[a-zA-Z0-9_])?)*\.?$/;
const OPTION = /^[a-zA-Z0-9-]+(:[a-zA-Z0-9]+)?$/;

const MOST_LINKS = 100;
const MOST_SERVERS = 16;
const MOST_DOMAINS = 32;
const MOST_OPTIONS = 32;
const MOST_EXTRA_HOSTS = 1_000;

type Named = Pick<ContainerSpec, "hostname" | "domainname" | "dns" | "extraHosts">;

export function parseNames({ hostname, domainname, dns, extraHosts }: Named): void {
	if (hostname !== "" && !isHostname(hostname)) {
		throw gatewayFaults.INVALID_HOSTNAME({ hostname }, { field: "spec.hostname" });
	}
	const whole = `${hostname || DEFAULT_HOSTNAME}.${domainname}`;
	if (domainname !== "" && !isHostname(whole)) {
		throw gatewayFaults.INVALID_HOSTNAME({ hostname: whole }, { field: "spec.domainname" });
	}
	if (dns !== undefined) parseDns(dns);
	refuseMany("extra hosts", extraHosts.length, MOST_EXTRA_HOSTS, "spec.extra_hosts");
	for (const [index, host] of extraHosts.entries()) atField(`spec.extra_hosts[${index}]`, () => parseExtraHost(host));
}

function isHostname(name: string): boolean {
	return name.length <= LONGEST_HOSTNAME && HOSTNAME.test(name);
}

function parseDns({ servers, search, options }: DnsSettings): void {
	refuseMany("DNS servers", servers.length, MOST_SERVERS, "spec.dns.servers");
	refuseMany("search domains", search.length, MOST_DOMAINS, "spec.dns.search");
	refuseMany("resolver's options", options.length, MOST_OPTIONS, "spec.dns.options");
	for (const [index, server] of servers.entries()) atField(`spec.dns.servers[${index}]`, () => Ip.parse(server));
	for (const [index, value] of search.entries()) {
		if (value === "." ? search.length === 1 : value.length <= LONGEST_DOMAIN && DOMAIN.test(value)) continue;
		const allowed = "a domain, or `.` alone for none";
		throw gatewayFaults.INVALID_DNS_SETTING(
			{ what: "search domain", value, allowed },
			{ field: `spec.dns.search[${index}]` },
		);
	}
	for (const [index, value] of options.entries()) {
		if (OPTION.test(value)) continue;
		const allowed = "one of resolv.conf's, as rotate or timeout:2";
		throw gatewayFaults.INVALID_DNS_SETTING(
			{ what: "resolver's option", value, allowed },
			{ field: `spec.dns.options[${index}]` },
		);
	}
}

function parseExtraHost({ name, address }: ExtraHost): void {
	const host = `${name}:${address}`;
	if (name.length > LONGEST_DOMAIN || !DOMAIN.test(name)) {
		throw gatewayFaults.INVALID_EXTRA_HOST({ host, problem: "it needs the name of a host" });
	}
	if (address === "host-gateway") return;
	try {
		Ip.parse(address);
	} catch (cause) {
		const problem = `${JSON.stringify(address)} is no address`;
		throw gatewayFaults.INVALID_EXTRA_HOST({ host, problem }, { cause });
	}
}

/** Names alone: whether there is such a container is found out later. `field`: where in the request they are. */
export function parseLinks(links: readonly Link[], field: string): void {
	refuseMany("links", links.length, MOST_LINKS, field);
	for (const [index, { container, alias }] of links.entries()) {
		for (const name of alias === "" ? [container] : [container, alias]) {
			if (!NAME.test(name)) throw gatewayFaults.INVALID_NAME({ what: "link", name }, { field: `${field}[${index}]` });
		}
	}
}

/** TOO_MANY_VALUES. `what`: the list, as `links`. */
function refuseMany(what: string, count: number, limit: number, field: string): void {
	if (count <= limit) return;
	throw gatewayFaults.TOO_MANY_VALUES({ what, count: String(count), limit: String(limit) }, { field });
}
