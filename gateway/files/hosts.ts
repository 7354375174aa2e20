/** A container's /etc/hosts. Pure. The user may edit it: a change touches only the lines that it is about. */

/** An address of the container and the names that it has by it. */
export interface HostsEntry {
	readonly address: string;
	readonly names: readonly string[];
}

const FIXED = [
	"127.0.0.1\tlocalhost",
	"::1\tlocalhost ip6-localhost ip6-loopback",
	"fe00::\tip6-localnet",
	"ff00::\tip6-mcastprefix",
	"ff02::1\tip6-allnodes",
	"ff02::2\tip6-allrouters",
];

export function hostsFile(entries: readonly HostsEntry[]): string {
	return [...FIXED, ...entries.map(lineOf)].map((line) => `${line}\n`).join("");
}

/** A line of the same address and names is not written twice. */
export function withEntry(text: string, entry: HostsEntry): string {
	const line = lineOf(entry);
	if (text.split("\n").includes(line)) return text;
	return `${text === "" || text.endsWith("\n") ? text : `${text}\n`}${line}\n`;
}

/** Without the lines of these addresses. */
export function withoutAddresses(text: string, addresses: readonly string[]): string {
	return text
		.split("\n")
		.filter((line) => !addresses.includes(line.trimStart().split(/\s/)[0] ?? ""))
		.join("\n");
}

function lineOf({ address, names }: HostsEntry): string {
	return `${address}\t${names.join(" ")}`;
}
