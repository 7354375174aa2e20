/** A container's /etc/resolv.conf. Pure. */

/** What is said of it; what is empty is as the host has it. */
export interface DnsWish {
	readonly servers: readonly string[];
	/** `.` alone: none. */
	readonly search: readonly string[];
	readonly options: readonly string[];
}

/** systemd-resolved's stub, and other resolvers of the host's own: a container does not reach its loopback. */
const LOOPBACK = /^(127\.|::1$)/;

const UNREACHED = "# This host has no DNS server that a container reaches. `wharf run --dns ADDRESS` gives one.";

/** With a resolver in the sandbox: everything is asked there, and a single label is a whole name unless the user wants another `ndots`. */
export function forResolver(address: string, host: string, { search, options }: DnsWish): string {
	const chosen = options.length > 0 ? options : optionsOf(host).filter((option) => !isNdots(option));
	const all = chosen.some(isNdots) ? chosen : [...chosen, "ndots:0"];
	return written([address], searchOf(host, search), all);
}

/** Without one: the servers that are wished for, else those of the host that a container reaches. */
export function forServers(host: string, wish: DnsWish): string {
	const { search, options } = wish;
	const servers = serversFor(host, wish);
	const rest = written(servers, searchOf(host, search), options.length > 0 ? options : optionsOf(host));
	return servers.length > 0 ? rest : `${UNREACHED}\n${rest}`;
}

/** With the host's network: the host's own file, but for what is wished. */
export function forHost(host: string, wish: DnsWish): string {
	const { servers, search, options } = wish;
	if (servers.length + search.length + options.length === 0) return host;
	const all = servers.length > 0 ? servers : nameservers(host);
	return written(all, searchOf(host, search), options.length > 0 ? options : optionsOf(host));
}

/** Those that a container without a resolver asks; none: it reaches none of the host's. */
export function serversFor(host: string, { servers }: Pick<DnsWish, "servers">): readonly string[] {
	return servers.length > 0 ? servers : nameservers(host).filter((server) => !LOOPBACK.test(server));
}

/** There are some, and all of them are on the host's loopback. */
export function isLoopbackOnly(host: string): boolean {
	const servers = nameservers(host);
	return servers.length > 0 && servers.every((server) => LOOPBACK.test(server));
}

function nameservers(text: string): string[] {
	return lines(text, "nameserver").map((rest) => rest.split(/\s/)[0] ?? "");
}

/** The last line counts: resolv.conf(5). */
function searchOf(host: string, wished: readonly string[]): readonly string[] {
	const domains = wished.length > 0 ? wished : (lines(host, "search").at(-1)?.split(/\s+/) ?? []);
	return domains.filter((domain) => domain !== ".");
}

function optionsOf(host: string): string[] {
	return lines(host, "options").flatMap((rest) => rest.split(/\s+/));
}

function isNdots(option: string): boolean {
	return option.startsWith("ndots:");
}

function written(servers: readonly string[], search: readonly string[], options: readonly string[]): string {
	return [
		...servers.map((server) => `nameserver ${server}`),
		...(search.length > 0 ? [`search ${search.join(" ")}`] : []),
		...(options.length > 0 ? [`options ${options.join(" ")}`] : []),
	]
		.map((line) => `${line}\n`)
		.join("");
}

/** What follows the keyword. Source: resolv.conf(5): the keyword begins the line; `#` and `;` begin comments. */
function lines(text: string, keyword: string): string[] {
	return text
		.split("\n")
		.filter((line) => line.startsWith(`${keyword} `) || line.startsWith(`${keyword}\t`))
		.map((line) => line.slice(keyword.length).trim());
}
