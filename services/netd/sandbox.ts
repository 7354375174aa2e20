/** A sandbox as a value, and its row in the store. */
import { randomInt } from "node:crypto";
import { Ip } from "#lib/address/ip.ts";
import type { Statement } from "#lib/store/store.ts";
import { nameOf } from "./id.ts";
import { type Status, type StatusColumns, statusOf } from "./status.ts";

/** Containers ask here, as with Docker: nginx configurations have it written down. */
export const RESOLVER_ADDRESS = Ip.parse("127.0.0.11");

/** Above the kernel's default range for outgoing connections (32768 to 60999), so that none of those takes it by chance. */
const RESOLVER_PORTS = { first: 61_000, end: 65_536 } as const;

export function pickResolverPort(): number {
	return randomInt(RESOLVER_PORTS.first, RESOLVER_PORTS.end);
}

export interface Sandbox {
	/** Its place by age; 0 until it is stored. */
	readonly seq: number;
	readonly id: string;
	readonly holder: string;
	readonly owner: string;
	readonly name: string;
	readonly hostname: string;
	readonly netnsPath: string;
	/** It was there before netd, and stays after. */
	readonly adopted: boolean;
	/** The sandbox whose namespace it shares, which may be gone; undefined: it has its own. */
	readonly joined: string | undefined;
	readonly status: Status;
	readonly createdAt: Date;
	readonly dnsServers: readonly Ip[];
	/** Where a resolver listens inside, once a network of the sandbox resolves names. */
	readonly resolverPort: number;
}

interface Row extends StatusColumns {
	readonly seq: number;
	readonly id: string;
	readonly holder: string;
	readonly owner: string;
	readonly name: string;
	readonly hostname: string;
	readonly netns_path: string;
	readonly adopted: number;
	readonly joined: string;
	readonly created_at: number;
	readonly dns_servers: string;
	readonly resolver_port: number;
}

export function sandboxOf(row: Row): Sandbox {
	// Written by `insertSandbox` alone.
	const dnsServers = JSON.parse(row.dns_servers) as string[];
	return {
		seq: row.seq,
		id: row.id,
		holder: row.holder,
		owner: row.owner,
		name: row.name,
		hostname: row.hostname,
		netnsPath: row.netns_path,
		adopted: row.adopted === 1,
		joined: row.joined || undefined,
		status: statusOf(row),
		createdAt: new Date(row.created_at),
		dnsServers: dnsServers.map((text) => Ip.parse(text)),
		resolverPort: row.resolver_port,
	};
}

/**
 * An owner that has a sandbox is a ConstraintError on `sandboxes.holder`. Refused (ChangesError) where the sandbox to join is not
 * active: a removal that was first has won.
 */
export function insertSandbox(sandbox: Sandbox): Statement {
	return {
		sql: `INSERT INTO sandboxes (id, holder, owner, name, hostname, netns_path, adopted, joined, state, created_at, dns_servers, resolver_port)
			SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
			WHERE ? = '' OR EXISTS (SELECT 1 FROM sandboxes WHERE id = ? AND state = 'active')`,
		params: [
			sandbox.id,
			sandbox.holder,
			sandbox.owner,
			sandbox.name,
			sandbox.hostname,
			sandbox.netnsPath,
			Number(sandbox.adopted),
			sandbox.joined ?? "",
			sandbox.status.state,
			sandbox.createdAt.getTime(),
			JSON.stringify(sandbox.dnsServers.map(String)),
			sandbox.resolverPort,
			sandbox.joined ?? "",
			sandbox.joined ?? "",
		],
		changes: 1,
	};
}

export function activateSandbox(id: string): Statement {
	return {
		sql: "UPDATE sandboxes SET state = 'active' WHERE id = ? AND state = 'creating'",
		params: [id],
		changes: 1,
	};
}

/** The sandbox and all its endpoints: from here on it only goes away. Those that share it have failed. */
export function beginDeletingSandbox({ id, name }: Pick<Sandbox, "id" | "name">): Statement[] {
	return [
		{
			sql: "UPDATE sandboxes SET state = 'failed', state_reason = ? WHERE joined = ? AND joined <> '' AND state = 'active'",
			params: [whyAlone(nameOf({ id, name })), id],
		},
		{ sql: "UPDATE sandboxes SET state = 'deleting' WHERE id = ?", params: [id], changes: 1 },
		{ sql: "UPDATE endpoints SET state = 'deleting' WHERE sandbox_id = ?", params: [id] },
	];
}

/** The reason of one that shared the namespace of a sandbox which has gone. */
export function whyAlone(owner: string): string {
	return `the sandbox ${owner} whose network it shared is gone`;
}

export function parkSandbox(id: string): Statement {
	return { sql: "UPDATE sandboxes SET state = 'deleting' WHERE id = ?", params: [id] };
}

export function deleteSandboxRow(id: string): Statement {
	return { sql: "DELETE FROM sandboxes WHERE id = ?", params: [id] };
}
