/** netd's store against links, namespaces, addresses and packet rules; and against ipamd's store. */
import { Ip } from "#lib/address/ip.ts";
import type { Host } from "../host.ts";
import { compare } from "./compare.ts";
import { elements, links, mounts, tables } from "./kernel.ts";
import { type Row, rows } from "./stores.ts";

/** Links that a host has before wharf comes; `eth1` where a test gave it one for macvlans, `eth2` for a bridge's uplink. */
const BEFORE = new Set(["lo", "eth0", "eth1", "eth2"]);

interface Leg {
	readonly id: string;
	readonly interface: string;
	readonly hostInterface: string;
	/** Undefined: it is a macvlan, and nowhere but in the sandbox. */
	readonly bridge: string | undefined;
	readonly sandbox: string;
	/** The network is one on which names resolve. */
	readonly resolves: boolean;
	readonly addresses: readonly string[];
}

const text = (row: Row, column: string): string => String(row[column] ?? "");
const list = (row: Row, column: string): string[] => JSON.parse(text(row, column)) as string[];

function legs(root: string): Leg[] {
	const sql = `SELECT e.*, n.driver, n.interface AS bridge, n.resolves_names FROM endpoints e JOIN networks n ON n.id = e.network_id`;
	return rows(root, "netd", sql).map((row) => ({
		id: text(row, "id"),
		interface: text(row, "interface"),
		hostInterface: text(row, "host_interface"),
		bridge: row["driver"] === "bridge" ? text(row, "bridge") : undefined,
		sandbox: text(row, "sandbox_id"),
		resolves: row["resolves_names"] === 1,
		addresses: list(row, "addresses"),
	}));
}

/** A sandbox that shared another's namespace, which is gone: it has failed, and is its holder's to delete. */
const LEFT_ALONE =
	"SELECT id FROM sandboxes WHERE state = 'failed' AND joined <> '' AND joined NOT IN (SELECT id FROM sandboxes)";

/** Rows that are on their way: once nothing is under way there must be none. */
export function unfinished(root: string): string[] {
	const conditions = `state <> 'active' AND id NOT IN (${LEFT_ALONE})`;
	return ["networks", "sandboxes", "endpoints"].flatMap((table) =>
		rows(root, "netd", `SELECT id, state, state_reason FROM ${table} WHERE ${conditions}`).map(
			(row) =>
				`netd's ${table} row ${text(row, "id").slice(0, 12)} is ${text(row, "state")} ${text(row, "state_reason")}`,
		),
	);
}

export async function linksAgree(host: Host): Promise<string[]> {
	const stored = rows(host.root, "netd", "SELECT interface FROM networks WHERE interface IS NOT NULL").map(
		(row) => `bridge ${text(row, "interface")}`,
	);
	for (const { id, addresses, driver } of hostSides(host.root)) {
		if (driver === "macvlan" && addresses.length > 0) stored.push(`macvlan ws-${id.slice(0, 12)}`);
	}
	for (const { bridge, hostInterface } of legs(host.root)) {
		if (bridge !== undefined) stored.push(`veth ${hostInterface} on ${bridge}`);
	}
	const found = (await links(host)).filter(({ name }) => !BEFORE.has(name));
	// Where the host's own firewall is asked about published ports (publish-policy `respect-host`).
	if ((await tables(host)).includes("ip wharf")) stored.push("veth wh-ask", "veth wh-answer");
	const down = found.filter(({ up }) => !up).map(({ name }) => `link ${name} is down`);
	const names = found.map(({ name, kind, master }) => `${kind} ${name}${master === undefined ? "" : ` on ${master}`}`);
	return [...compare("link", stored, names), ...down];
}

export async function sandboxesAgree(host: Host): Promise<string[]> {
	// One that shares another's namespace has none of its own.
	const sandboxes = rows(host.root, "netd", "SELECT id, netns_path, resolver_port FROM sandboxes WHERE joined = ''");
	const own = sandboxes.map((row) => text(row, "netns_path"));
	const mounted = (await mounts(host, `${host.root}/run/netns`)).filter(({ type }) => type === "nsfs");
	const problems = compare(
		"namespace",
		own,
		mounted.map(({ target }) => target),
	);
	const inUse = legs(host.root);
	for (const row of sandboxes) {
		const path = text(row, "netns_path");
		if (problems.some((problem) => problem.includes(path))) continue;
		const stored = inUse.filter(({ sandbox }) => sandbox === row["id"]);
		const inside = (await links(host, path)).filter(({ name }) => name !== "lo");
		const describe = (name: string, addresses: readonly string[]): string => `${name} ${[...addresses].sort().join()}`;
		problems.push(
			...compare(
				`in sandbox ${text(row, "id").slice(0, 12)}: interface`,
				stored.map((leg) => describe(leg.interface, leg.addresses)),
				inside.map((link) => describe(link.name, link.addresses)),
			),
			...(await resolverAgrees(
				host,
				path,
				Number(row["resolver_port"]),
				stored.some(({ resolves }) => resolves),
			)),
		);
	}
	return problems;
}

/**
 * Both sockets and the rewrite, where the sandbox is on a network that resolves names. Where it is on none any more there are no
 * sockets; a rewrite that it has had stays as long as the sandbox, for the next such network.
 */
async function resolverAgrees(host: Host, netns: string, port: number, resolves: boolean): Promise<string[]> {
	const inside = (file: string, ...args: string[]): Promise<string> =>
		host.ok("nsenter", [`--net=${netns}`, "--", file, ...args]);
	const listening = (await inside("ss", "-Hlntu", "src 127.0.0.11")).split("\n").filter((line) => line !== "");
	const sockets = listening.map((line) => line.split(/\s+/)).map(([protocol, , , , at]) => `${protocol} ${at}`);
	const rules = await inside("nft", "list", "ruleset");
	const rewrites = [...rules.matchAll(/(udp|tcp) dport set (\d+)/g)].map(([, protocol, to]) => `${protocol} to ${to}`);
	const protocols = ["udp", "tcp"] as const;
	const isRewritten = resolves || rewrites.length > 0;
	return [
		...compare("resolver", resolves ? protocols.map((protocol) => `${protocol} 127.0.0.11:${port}`) : [], sockets),
		...compare("rewrite", isRewritten ? protocols.map((protocol) => `${protocol} to ${port}`) : [], rewrites),
	];
}

/** An element of a set or map of nft(8)'s JSON as words: `tcp 8080 -> 172.18.0.2 80`. */
function words(element: string): string {
	const flat = (value: unknown): string => {
		if (typeof value !== "object" || value === null) return String(value);
		if (Array.isArray(value)) return value.map(flat).join(" -> ");
		if ("concat" in value) return (value.concat as unknown[]).map(flat).join(" ");
		return "elem" in value ? flat((value.elem as { val: unknown }).val) : JSON.stringify(value);
	};
	return flat(JSON.parse(element));
}

export async function rulesAgree(host: Host): Promise<string[]> {
	const sets = await elements(host);
	const networks = rows(
		host.root,
		"netd",
		"SELECT interface, internal, options FROM networks WHERE interface IS NOT NULL",
	);
	if (sets === undefined) return networks.length === 0 ? [] : ["table inet wharf is not there"];
	const found = (name: string): string[] => (sets.get(name) ?? []).map(words);
	const pairsOf = networks.map((row) => text(row, "interface"));
	const hasUplink = (row: Row) => "wharf.bridge.uplink" in (JSON.parse(text(row, "options")) as object);
	const bridges = networks.filter((row) => !hasUplink(row)).map((row) => text(row, "interface"));
	const internal = networks
		.filter((row) => row["internal"] === 1 && !hasUplink(row))
		.map((row) => text(row, "interface"));
	const pairs = [...found("connected"), ...found("separated")];
	const [anywhere, at, flows] = publications(host.root);
	const openings = [...openingsOf(host.root, "openings"), ...openingsOf(host.root, "ports")];
	return [
		...compare("element of bridges", bridges, found("bridges")),
		...compare("element of internal", internal, found("internal")),
		...compare(
			"element of connected or separated",
			pairsOf.map((name) => `${name} ${name}`),
			pairs,
		),
		...compare("element of shortcuts", shortcuts(host.root), [...found("shortcuts4"), ...found("shortcuts6")]),
		...compare("element of published", anywhere, [...found("published4"), ...found("published6")]),
		...compare("element of published_at", at, [...found("published_at4"), ...found("published_at6")]),
		...compare("element of flows", flows, [...found("flows4"), ...found("flows6")]),
		...compare("element of open", [...new Set(openings)], [...found("open4"), ...found("open6")]),
	];
}

/** Each bridge of a sandbox with its addresses on the others; an internal network has none. */
function shortcuts(root: string): string[] {
	const internal = new Set(
		rows(root, "netd", "SELECT interface FROM networks WHERE internal = 1").map((row) => text(row, "interface")),
	);
	const bridged = legs(root).filter(({ bridge }) => bridge !== undefined && !internal.has(bridge));
	return bridged.flatMap(({ bridge, sandbox }) =>
		bridged
			.filter((other) => other.sandbox === sandbox && other.bridge !== bridge)
			.flatMap(({ addresses }) => addresses.map((address) => `${bridge} ${address.split("/")[0]}`)),
	);
}

/** What the maps should hold for the stored ports: for all addresses, for one address, and the flows. */
function publications(root: string): [string[], string[], string[]] {
	const [anywhere, at, flows]: [string[], string[], string[]] = [[], [], []];
	for (const row of rows(
		root,
		"netd",
		`SELECT p.*, e.addresses, n.options FROM ports p JOIN endpoints e ON e.id = p.endpoint_id
			JOIN networks n ON n.id = e.network_id`,
	)) {
		const options = JSON.parse(text(row, "options")) as Record<string, string>;
		const hostAddress = text(row, "host_address");
		for (const target of list(row, "addresses").map((address) => address.split("/")[0] ?? "")) {
			const wanted = hostAddress === "" || hostAddress.includes(":") === target.includes(":");
			const mode = options[`com.docker.network.bridge.gateway_mode_ipv${target.includes(":") ? "6" : "4"}`];
			if (!wanted || mode === "routed") continue;
			const [protocol, port, inner] = [text(row, "protocol"), text(row, "host_port"), text(row, "container_port")];
			if (["", "0.0.0.0", "::"].includes(hostAddress)) anywhere.push(`${protocol} ${port} -> ${target} ${inner}`);
			else at.push(`${protocol} ${hostAddress} ${port} -> ${target} ${inner}`);
			flows.push(`${protocol} ${port} ${target} ${inner}`);
		}
	}
	return [anywhere, at, flows];
}

/** What the sets should hold of ports at containers' own addresses: by routed networks, and by those that trust interfaces. */
function openingsOf(root: string, table: "openings" | "ports"): string[] {
	const select = `SELECT p.*, e.addresses, n.options FROM ${table} p JOIN endpoints e ON e.id = p.endpoint_id
		JOIN networks n ON n.id = e.network_id`;
	return rows(root, "netd", select).flatMap((row) => {
		const options = JSON.parse(text(row, "options")) as Record<string, string>;
		const said = (name: string) => options[`com.docker.network.bridge.${name}`];
		const hostAddress = text(row, "host_address");
		return list(row, "addresses")
			.map((address) => address.split("/")[0] ?? "")
			.filter((target) => hostAddress === "" || hostAddress.includes(":") === target.includes(":"))
			.filter((target) => {
				const mode = said(`gateway_mode_ipv${target.includes(":") ? "6" : "4"}`);
				return mode === "routed" || said("trusted_host_interfaces") !== undefined;
			})
			.map((target) => `${text(row, "protocol")} ${target} ${text(row, "container_port")}`);
	});
}

/** What netd uses against what ipamd says that it holds. */
export function leasesAgree(root: string): string[] {
	const networks = rows(root, "netd", "SELECT id, subnets FROM networks");
	const used = networks.flatMap((row) =>
		(JSON.parse(text(row, "subnets")) as { cidr: string }[]).map(
			({ cidr }) => `${cidr} of ${text(row, "id").slice(0, 12)}`,
		),
	);
	const held = rows(root, "ipamd", "SELECT cidr, owner FROM subnet").map(
		(row) => `${text(row, "cidr")} of ${text(row, "owner").slice(0, 12)}`,
	);
	const addresses = [...legs(root), ...hostSides(root)].flatMap((leg) =>
		leg.addresses.map((address) => `${address.split("/")[0]} of ${leg.id.slice(0, 12)}`),
	);
	const leases = rows(root, "ipamd", "SELECT address, owner FROM lease").map(
		(row) => `${Ip.fromBytes(row["address"] as Uint8Array)} of ${text(row, "owner").slice(0, 12)}`,
	);
	return [...compare("subnet", used, held), ...compare("lease", addresses, leases)];
}

/** The host's own addresses on networks. */
function hostSides(root: string): { id: string; driver: string; addresses: string[] }[] {
	return rows(root, "netd", "SELECT id, driver, host_side FROM networks").map((row) => {
		const { addresses = [] } = JSON.parse(text(row, "host_side")) as { addresses?: string[] };
		return { id: text(row, "id"), driver: text(row, "driver"), addresses };
	});
}

/** Translated connections whose target is nobody's any more. */
export async function flowsAgree(host: Host): Promise<string[]> {
	const { stdout } = await host.run("conntrack", ["-L"]);
	const targets = new Set(legs(host.root).flatMap((leg) => leg.addresses.map((address) => address.split("/")[0])));
	const problems: string[] = [];
	for (const line of stdout.split("\n")) {
		const sources = [...line.matchAll(/src=(\S+)/g)].map(([, source]) => source);
		const destinations = [...line.matchAll(/dst=(\S+)/g)].map(([, destination]) => destination);
		const translated = sources[1] !== undefined && sources[1] !== destinations[0];
		if (translated && !targets.has(sources[1]))
			problems.push(`connection to ${sources[1]} is tracked and nobody has that address: ${line}`);
	}
	return problems;
}
