/** A container's /etc/resolv.conf. Pure. */

/** With a resolver in the sandbox: everything is asked there, a single label too. */
export function forResolver(address: string, host: string): string {
	return [`nameserver ${address}`, ...searchLines(host), "options ndots:0"].map((line) => `${line}\n`).join("");
}

/** Without one: the host's own, but for resolvers on the host's loopback, which a container does not reach. */
export function forHostResolvers(host: string): string {
	const servers = nameservers(host).filter((server) => !/^(127\.|::1$)/.test(server));
	return [...servers.map((server) => `nameserver ${server}`), ...searchLines(host), ...optionLines(host)]
		.map((line) => `${line}\n`)
		.join("");
}

export function nameservers(text: string): string[] {
	return lines(text, "nameserver").map((rest) => rest.split(/\s/)[0] ?? "");
}

function searchLines(text: string): string[] {
	const last = lines(text, "search").at(-1);
	return last === undefined || last === "." ? [] : [`search ${last}`];
}

function optionLines(text: string): string[] {
	return lines(text, "options").map((rest) => `options ${rest}`);
}

/** What follows the keyword. Source: resolv.conf(5): the keyword begins the line; `#` and `;` begin comments. */
function lines(text: string, keyword: string): string[] {
	return text
		.split("\n")
		.filter((line) => line.startsWith(`${keyword} `) || line.startsWith(`${keyword}\t`))
		.map((line) => line.slice(keyword.length).trim());
}
