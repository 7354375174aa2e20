/** A container's /etc/hosts. Pure. */

/** An address and the names that it has. */
export interface HostsEntry {
	readonly address: string;
	readonly names: readonly string[];
}

const LOOPBACK4 = ["127.0.0.1\tlocalhost"];
const LOOPBACK6 = [
	"::1\tlocalhost ip6-localhost ip6-loopback",
	"fe00::\tip6-localnet",
	"ff00::\tip6-mcastprefix",
	"ff02::1\tip6-allnodes",
	"ff02::2\tip6-allrouters",
];

/** `ipv6`: the container's loopback has `::1`. */
export function hostsFile(entries: readonly HostsEntry[], { ipv6 }: { readonly ipv6: boolean }): string {
	return lines([...LOOPBACK4, ...(ipv6 ? LOOPBACK6 : []), ...entries.map(lineOf)]);
}

/** Another host's file with lines of ours behind it. */
export function withEntries(text: string, entries: readonly HostsEntry[]): string {
	const ended = text === "" || text.endsWith("\n") || entries.length === 0 ? text : `${text}\n`;
	return ended + lines(entries.map(lineOf));
}

function lineOf({ address, names }: HostsEntry): string {
	return `${address}\t${names.join(" ")}`;
}

function lines(all: readonly string[]): string {
	return all.map((line) => `${line}\n`).join("");
}
