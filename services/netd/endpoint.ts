/** An endpoint (a sandbox's leg on a network) as a value, and its row in the store. */
import { IpInterface } from "#lib/address/cidr.ts";
import { type IfName, parseIfName } from "#lib/address/if-name.ts";
import { type Mac, parseMac } from "#lib/address/mac.ts";
import type { Statement } from "#lib/store/store.ts";
import type { TextMap } from "./network.ts";
import type { Port } from "./port.ts";
import { type Status, type StatusColumns, statusOf } from "./status.ts";

export interface Endpoint {
	/** Its place by age; 0 until it is stored. */
	readonly seq: number;
	readonly id: string;
	readonly networkId: string;
	readonly sandboxId: string;
	readonly status: Status;
	readonly createdAt: Date;
	/** Inside the sandbox, as `eth0`. */
	readonly interface: IfName;
	/** The other end, on the host. */
	readonly hostInterface: IfName;
	/** Undefined until its address is known, from which it is made unless it was asked for. */
	readonly mac: Mac | undefined;
	/** At most one of each family; none until they are leased. */
	readonly addresses: readonly IpInterface[];
	readonly aliases: readonly string[];
	/** Names for its sandbox alone, each with the name of the sandbox that it stands for. */
	readonly links: TextMap;
	/** The highest of a sandbox's has the default routes, of equal ones the oldest. */
	readonly gatewayPriority: number;
	/** As given; `parseEndpointOptions` says what they mean. */
	readonly options: TextMap;
	readonly ports: readonly Port[];
}

interface Row extends StatusColumns {
	readonly seq: number;
	readonly id: string;
	readonly network_id: string;
	readonly sandbox_id: string;
	readonly created_at: number;
	readonly interface: string;
	readonly host_interface: string;
	readonly mac: string;
	readonly addresses: string;
	readonly aliases: string;
	readonly gateway_priority: number;
	readonly options: string;
	readonly links: string;
}

export function endpointOf(row: Row, ports: readonly Port[]): Endpoint {
	// Written by `insertEndpoint` and `activateEndpoint` alone.
	const addresses = JSON.parse(row.addresses) as string[];
	return {
		seq: row.seq,
		id: row.id,
		networkId: row.network_id,
		sandboxId: row.sandbox_id,
		status: statusOf(row),
		createdAt: new Date(row.created_at),
		interface: parseIfName(row.interface),
		hostInterface: parseIfName(row.host_interface),
		mac: row.mac === "" ? undefined : parseMac(row.mac),
		addresses: addresses.map((text) => IpInterface.parse(text)),
		aliases: JSON.parse(row.aliases) as string[],
		gatewayPriority: row.gateway_priority,
		options: JSON.parse(row.options) as TextMap,
		links: JSON.parse(row.links) as TextMap,
		ports,
	};
}

/**
 * Refused (ChangesError) unless network and sandbox are there and active: a removal that was first has won; and, if it shall be
 * `alone`, unless the network has no other. A sandbox that is
 * on the network, or has the interface, is a ConstraintError on `endpoints`.
 */
export function insertEndpoint(endpoint: Endpoint, { alone }: { readonly alone: boolean }): Statement {
	return {
		sql: `INSERT INTO endpoints
				(id, network_id, sandbox_id, state, created_at, interface, host_interface, mac, aliases,
				gateway_priority, options, links, addresses)
			SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]'
			WHERE EXISTS (SELECT 1 FROM networks WHERE id = ? AND state = 'active')
				AND EXISTS (SELECT 1 FROM sandboxes WHERE id = ? AND state = 'active')
				AND (NOT ? OR NOT EXISTS (SELECT 1 FROM endpoints WHERE network_id = ?))`,
		params: [
			endpoint.id,
			endpoint.networkId,
			endpoint.sandboxId,
			endpoint.status.state,
			endpoint.createdAt.getTime(),
			endpoint.interface,
			endpoint.hostInterface,
			endpoint.mac ?? "",
			JSON.stringify(endpoint.aliases),
			endpoint.gatewayPriority,
			JSON.stringify(endpoint.options),
			JSON.stringify(endpoint.links),
			endpoint.networkId,
			endpoint.sandboxId,
			Number(alone),
			endpoint.networkId,
		],
		changes: 1,
	};
}

export function activateEndpoint({ id, mac, addresses }: Endpoint): Statement {
	return {
		sql: "UPDATE endpoints SET state = 'active', mac = ?, addresses = ? WHERE id = ? AND state = 'creating'",
		params: [mac ?? "", JSON.stringify(addresses.map(String)), id],
		changes: 1,
	};
}

export function parkEndpoint(id: string): Statement {
	return { sql: "UPDATE endpoints SET state = 'deleting' WHERE id = ?", params: [id] };
}

/** Its ports go with it. */
export function deleteEndpointRow(id: string): Statement {
	return { sql: "DELETE FROM endpoints WHERE id = ?", params: [id] };
}
