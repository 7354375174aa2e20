/** A network as a value, and its row in the store. */
import { Cidr, IpInterface } from "#lib/address/cidr.ts";
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { type Family, Ip } from "#lib/address/ip.ts";
import { IpRange } from "#lib/address/ip-range.ts";
import type { SqlValue, Statement } from "#lib/store/store.ts";
import type { SubnetSpec } from "./allocator.ts";
import { type Auxiliary, readAuxiliary, writeAuxiliary } from "./auxiliary.ts";
import type { HostSettings } from "./kernel/links.ts";
import { type Status, type StatusColumns, statusOf } from "./status.ts";

export type TextMap = Readonly<Record<string, string>>;

/** One subnet of a network, as ipamd holds it. */
export interface Subnet {
	readonly id: string;
	readonly cidr: Cidr;
	readonly ipRange: IpRange | undefined;
	readonly gateway: Ip | undefined;
	readonly auxiliary: Auxiliary;
	/** Nobody asked for it: containers on it have no say in their addresses either. */
	readonly automatic: boolean;
}

export interface Network {
	/** Its place by age; 0 until it is stored. */
	readonly seq: number;
	readonly id: string;
	readonly name: string;
	readonly driver: string;
	readonly status: Status;
	readonly createdAt: Date;
	/** The bridge's; drivers without one have none. */
	readonly interface: IfName | undefined;
	/** No way out and no way in. */
	readonly internal: boolean;
	readonly ipv6: boolean;
	readonly attachable: boolean;
	/** Made by netd itself; it stays. */
	readonly predefined: boolean;
	readonly resolvesNames: boolean;
	readonly subnets: readonly Subnet[];
	/** The host's own addresses on it, leased in its name: of at most one subnet of each family. */
	readonly hostAddresses: readonly IpInterface[];
	/** What the host had, before it was moved to the network's link. */
	readonly hostSettings: HostSettings | undefined;
	readonly options: TextMap;
	readonly labels: TextMap;
	/** A configuration for other networks: what subnets those take. Undefined: it is a network. */
	readonly config: readonly SubnetSpec[] | undefined;
	/** The configuration that it was made from. */
	readonly configFrom: string | undefined;
	/** An endpoint has, or had, a MAC that its addresses do not make: neighbours may know an address by one that it no longer has. */
	readonly otherMacs: boolean;
	/** Where sandboxes on it that say none themselves ask unknown names. */
	readonly dnsServers: readonly Ip[];
}

/** What a driver looks at before a network is made. */
export interface NetworkAsked {
	readonly internal: boolean;
	readonly subnets: readonly SubnetAsked[];
}

interface SubnetAsked {
	readonly family: Family;
	readonly cidr: Cidr | undefined;
	readonly gateway: Ip | undefined;
}

export function subnetOf(network: Pick<Network, "subnets">, family: Family): Subnet | undefined {
	return network.subnets.find(({ cidr }) => cidr.family === family);
}

interface StoredSubnet {
	readonly id: string;
	readonly cidr: string;
	readonly ipRange?: string | undefined;
	readonly gateway?: string | undefined;
	readonly auxiliary: TextMap;
	readonly automatic: boolean;
}

/** As `SubnetSpec`, in texts. */
interface StoredSpec extends Pick<SubnetSpec, "family"> {
	readonly cidr?: string | undefined;
	readonly ipRange?: string | undefined;
	readonly gateway?: string | undefined;
	readonly auxiliary: TextMap;
}

interface Row extends StatusColumns {
	readonly seq: number;
	readonly id: string;
	readonly name: string;
	readonly driver: string;
	readonly created_at: number;
	readonly interface: string | null;
	readonly internal: number;
	readonly ipv6: number;
	readonly attachable: number;
	readonly predefined: number;
	readonly resolves_names: number;
	readonly subnets: string;
	readonly host_side: string;
	readonly options: string;
	readonly labels: string;
	readonly config: string;
	readonly config_from: string | null;
	readonly other_macs: number;
	readonly dns_servers: string;
}

/** What the network is to the host itself. */
interface StoredHostSide {
	readonly addresses?: readonly string[];
	readonly settings?: StoredSettings;
}

interface StoredSettings {
	readonly bootId: string;
	readonly addresses: readonly string[];
	readonly routes: readonly {
		readonly destination: string;
		readonly gateway?: string | undefined;
		readonly source?: string | undefined;
		readonly metric?: number | undefined;
		readonly table: number;
	}[];
}

export function networkOf(row: Row): Network {
	// The rows are written by `insertNetwork` and `activateNetwork` alone, so the JSON has the shapes that those give it.
	const subnets = JSON.parse(row.subnets) as StoredSubnet[];
	const hostSide = JSON.parse(row.host_side) as StoredHostSide;
	return {
		seq: row.seq,
		id: row.id,
		name: row.name,
		driver: row.driver,
		status: statusOf(row),
		createdAt: new Date(row.created_at),
		interface: row.interface === null ? undefined : parseIfName(row.interface),
		internal: row.internal === 1,
		ipv6: row.ipv6 === 1,
		attachable: row.attachable === 1,
		predefined: row.predefined === 1,
		resolvesNames: row.resolves_names === 1,
		subnets: subnets.map(readSubnet),
		hostAddresses: (hostSide.addresses ?? []).map((text) => IpInterface.parse(text)),
		hostSettings: hostSide.settings && readSettings(hostSide.settings),
		options: JSON.parse(row.options) as TextMap,
		labels: JSON.parse(row.labels) as TextMap,
		config: row.config === "" ? undefined : (JSON.parse(row.config) as StoredSpec[]).map(readSpec),
		configFrom: row.config_from ?? undefined,
		otherMacs: row.other_macs === 1,
		dnsServers: (JSON.parse(row.dns_servers) as string[]).map((text) => Ip.parse(text)),
	};
}

function readSpec({ family, cidr, ipRange, gateway, auxiliary }: StoredSpec): SubnetSpec {
	return {
		family,
		cidr: cidr === undefined ? undefined : Cidr.parse(cidr),
		ipRange: ipRange === undefined ? undefined : IpRange.parse(ipRange),
		gateway: gateway === undefined ? undefined : Ip.parse(gateway),
		auxiliary: readAuxiliary(auxiliary),
	};
}

function writeSpec({ family, cidr, ipRange, gateway, auxiliary }: SubnetSpec): StoredSpec {
	return {
		family,
		cidr: cidr?.toString(),
		ipRange: ipRange?.toString(),
		gateway: gateway?.toString(),
		auxiliary: writeAuxiliary(auxiliary),
	};
}

function readSubnet(stored: StoredSubnet): Subnet {
	return {
		id: stored.id,
		cidr: Cidr.parse(stored.cidr),
		ipRange: stored.ipRange === undefined ? undefined : IpRange.parse(stored.ipRange),
		gateway: stored.gateway === undefined ? undefined : Ip.parse(stored.gateway),
		auxiliary: readAuxiliary(stored.auxiliary),
		automatic: stored.automatic,
	};
}

function writeSubnets(subnets: readonly Subnet[]): string {
	const stored = subnets.map(
		(subnet): StoredSubnet => ({
			id: subnet.id,
			cidr: subnet.cidr.toString(),
			ipRange: subnet.ipRange?.toString(),
			gateway: subnet.gateway?.toString(),
			auxiliary: writeAuxiliary(subnet.auxiliary),
			automatic: subnet.automatic,
		}),
	);
	return JSON.stringify(stored);
}

type HostSide = Pick<Network, "hostAddresses" | "hostSettings">;

function writeHostSide({ hostAddresses, hostSettings }: HostSide): string {
	const stored: StoredHostSide = {
		...(hostAddresses.length > 0 && { addresses: hostAddresses.map(String) }),
		...(hostSettings && { settings: writeSettings(hostSettings) }),
	};
	return JSON.stringify(stored);
}

function writeSettings({ bootId, addresses, routes }: HostSettings): StoredSettings {
	return {
		bootId,
		addresses: addresses.map(String),
		routes: routes.map(({ destination, gateway, source, metric, table }) => ({
			destination: destination.toString(),
			gateway: gateway?.toString(),
			source: source?.toString(),
			metric,
			table,
		})),
	};
}

function readSettings({ bootId, addresses, routes }: StoredSettings): HostSettings {
	const ip = (text: string | undefined): Ip | undefined => (text === undefined ? undefined : Ip.parse(text));
	return {
		bootId,
		addresses: addresses.map((text) => IpInterface.parse(text)),
		routes: routes.map(({ destination, gateway, source, metric, table }) => ({
			destination: Cidr.parse(destination),
			gateway: ip(gateway),
			source: ip(source),
			metric,
			table,
		})),
	};
}

/** The same text for the same host side. */
export function isHostSide(network: HostSide, other: HostSide): boolean {
	return writeHostSide(network) === writeHostSide(other);
}

export function setHostSide(network: HostSide & Pick<Network, "id">): Statement {
	return { sql: "UPDATE networks SET host_side = ? WHERE id = ?", params: [writeHostSide(network), network.id] };
}

/** Refused (ChangesError) where the configuration that it is made from has gone. */
export function insertNetwork(network: Network): Statement {
	const values: Record<string, SqlValue> = {
		id: network.id,
		name: network.name,
		driver: network.driver,
		state: network.status.state,
		created_at: network.createdAt.getTime(),
		interface: network.interface ?? null,
		internal: Number(network.internal),
		ipv6: Number(network.ipv6),
		attachable: Number(network.attachable),
		predefined: Number(network.predefined),
		resolves_names: Number(network.resolvesNames),
		subnets: writeSubnets(network.subnets),
		options: JSON.stringify(network.options),
		labels: JSON.stringify(network.labels),
		config: network.config === undefined ? "" : JSON.stringify(network.config.map(writeSpec)),
		config_from: network.configFrom ?? null,
		other_macs: Number(network.otherMacs),
		dns_servers: JSON.stringify(network.dnsServers.map(String)),
	};
	const columns = Object.keys(values);
	const places = columns.map(() => "?").join(", ");
	return {
		sql: `INSERT INTO networks (${columns.join(", ")}) SELECT ${places}
			WHERE ? IS NULL OR EXISTS (SELECT 1 FROM networks WHERE id = ? AND state = 'active')`,
		params: [...Object.values(values), network.configFrom ?? null, network.configFrom ?? null],
		changes: 1,
	};
}

export function activateNetwork(network: HostSide & Pick<Network, "id" | "subnets">): Statement {
	const { id, subnets } = network;
	return {
		sql: "UPDATE networks SET state = 'active', subnets = ?, host_side = ? WHERE id = ? AND state = 'creating'",
		params: [writeSubnets(subnets), writeHostSide(network), id],
		changes: 1,
	};
}

/** Refused (ChangesError) while an endpoint is on it, or a network is made from it: a `Connect` that was first has won. */
export function beginDeletingNetwork(id: string): Statement {
	return {
		sql: `UPDATE networks SET state = 'deleting' WHERE id = ?
			AND NOT EXISTS (SELECT 1 FROM endpoints WHERE network_id = networks.id)
			AND NOT EXISTS (SELECT 1 FROM networks AS user WHERE user.config_from = networks.id)`,
		params: [id],
		changes: 1,
	};
}

/** The row of one that has been taken down, for one of its id that is to be made. */
export function remakeNetwork({ id, interface: name, ipv6, options }: Network): Statement {
	return {
		sql: `UPDATE networks SET state = 'creating', state_reason = '', interface = ?, ipv6 = ?, options = ?, subnets = '[]'
			WHERE id = ? AND state IN ('creating', 'deleting')`,
		params: [name ?? null, Number(ipv6), JSON.stringify(options), id],
		changes: 1,
	};
}

export function setNetworkOptions(id: string, options: TextMap): Statement {
	return { sql: "UPDATE networks SET options = ? WHERE id = ?", params: [JSON.stringify(options), id], changes: 1 };
}

export function noteOtherMac(id: string): Statement {
	return { sql: "UPDATE networks SET other_macs = 1 WHERE id = ? AND other_macs = 0", params: [id] };
}

export function parkNetwork(id: string): Statement {
	return { sql: "UPDATE networks SET state = 'deleting' WHERE id = ?", params: [id] };
}

export function deleteNetworkRow(id: string): Statement {
	return { sql: "DELETE FROM networks WHERE id = ?", params: [id] };
}
