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
	for (const [index, host] of extraHosts.entries()) atField(`spec.extra_hosts[${index}]`, () => parseExtraHost(host));
}

function isHostname(name: string): boolean {
	return name.length <= LONGEST_HOSTNAME && HOSTNAME.test(name);
}

function parseDns({ servers, search, options }: DnsSettings): void {
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
	for (const [index, { container, alias }] of links.entries()) {
		for (const name of alias === "" ? [container] : [container, alias]) {
			if (!NAME.test(name)) throw gatewayFaults.INVALID_NAME({ what: "link", name }, { field: `${field}[${index}]` });
		}
	}
}
