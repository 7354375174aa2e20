/** What the kernel says of a host, asked by other programs than wharf: ip(8), nft(8), mountinfo, ps(1). */
import type { Host } from "../host.ts";

export interface Link {
	readonly name: string;
	readonly kind: string | undefined;
	readonly master: string | undefined;
	readonly up: boolean;
	readonly addresses: readonly string[];
}

export interface Mount {
	readonly target: string;
	readonly type: string;
	readonly source: string;
}

export interface Process {
	readonly pid: number;
	readonly parent: number;
	readonly state: string;
	readonly command: string;
}

interface IpLink {
	readonly ifname: string;
	readonly master?: string;
	readonly flags: readonly string[];
	readonly linkinfo?: { readonly info_kind?: string };
	readonly addr_info?: readonly { readonly local: string; readonly prefixlen: number; readonly scope: string }[];
}

/** The links of the host, or of a network namespace that is mounted at a path. */
export async function links(host: Host, netnsPath?: string): Promise<Link[]> {
	const enter = netnsPath === undefined ? [] : [`--net=${netnsPath}`, "--", "ip"];
	const args = ["-j", "-d", "address", "show"];
	const text = await (netnsPath === undefined ? host.ok("ip", args) : host.ok("nsenter", [...enter, ...args]));
	return (JSON.parse(text) as IpLink[]).map((link) => ({
		name: link.ifname,
		kind: link.linkinfo?.info_kind,
		master: link.master,
		up: link.flags.includes("UP"),
		addresses: (link.addr_info ?? []).filter((a) => a.scope === "global").map((a) => `${a.local}/${a.prefixlen}`),
	}));
}

type NftObject = Readonly<Record<string, { readonly name?: string; readonly elem?: readonly unknown[] }>>;

/** The elements of each set and map of our table, as nft(8) prints them; undefined when there is no table. */
export async function elements(host: Host): Promise<Map<string, string[]> | undefined> {
	const { exitCode, stdout } = await host.run("nft", ["-j", "list", "table", "inet", "wharf"]);
	if (exitCode !== 0) return undefined;
	const sets = new Map<string, string[]>();
	for (const object of (JSON.parse(stdout) as { nftables: NftObject[] }).nftables) {
		const set = object["set"] ?? object["map"];
		if (set?.name !== undefined) sets.set(set.name, (set.elem ?? []).map((element) => JSON.stringify(element)).sort());
	}
	return sets;
}

/** The names of all tables, as `inet wharf`. */
export async function tables(host: Host): Promise<string[]> {
	const lines = (await host.ok("nft", ["list", "tables"])).split("\n");
	return lines.filter((line) => line !== "").map((line) => line.replace(/^table /, ""));
}

/** Mounts at or below a path. */
export async function mounts(host: Host, below: string): Promise<Mount[]> {
	const lines = (await host.ok("cat", ["/proc/self/mountinfo"])).split("\n").filter((line) => line !== "");
	return lines
		.map((line) => {
			const [head = "", tail = ""] = line.split(" - ");
			const [type = "", source = ""] = tail.split(" ");
			return { target: head.split(" ")[4] ?? "", type, source };
		})
		.filter(({ target }) => target === below || target.startsWith(`${below}/`));
}

/** All processes of the host but the host's own first ones and the asker. */
export async function processes(host: Host): Promise<Process[]> {
	const lines = (await host.ok("ps", ["-eo", "pid=,ppid=,stat=,args="]))
		.split("\n")
		.filter((line) => line.trim() !== "");
	return lines.map((line) => {
		const [, pid = "", parent = "", state = "", command = ""] = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line) ?? [];
		return { pid: Number(pid), parent: Number(parent), state, command };
	});
}
