/** What is stored, by the questions that netd asks of it. Every read is of committed rows, synchronous, and by an index. */
import type { SqlValue, Store } from "#lib/store/store.ts";
import type { PageRequest } from "#lib/rpc/page.ts";
import { type Endpoint, endpointOf } from "./endpoint.ts";
import { faults } from "./faults.ts";
import { nameOf } from "./id.ts";
import { type Network, networkOf } from "./network.ts";
import { type HostPort, portOf, SELECT_PORTS } from "./port.ts";
import { type Sandbox, sandboxOf } from "./sandbox.ts";

/** Conditions of a list, all of them to hold. */
type Where = readonly (readonly [condition: string, ...params: SqlValue[]] | undefined)[];

type NetworkRow = Parameters<typeof networkOf>[0];
type SandboxRow = Parameters<typeof sandboxOf>[0];
type EndpointRow = Parameters<typeof endpointOf>[0];

export class Records {
	readonly #store: Store;

	constructor(store: Store) {
		this.#store = store;
	}

	network(id: string): Network | undefined {
		const row = this.#store.get<NetworkRow>("SELECT * FROM networks WHERE id = ?", id);
		return row && networkOf(row);
	}

	networkNamed(name: string): Network | undefined {
		const row = this.#store.get<NetworkRow>("SELECT * FROM networks WHERE name = ?", name);
		return row && networkOf(row);
	}

	/** By id, name, or unique beginning of an id, in this order; else a Fault. */
	getNetwork(ref: string, field = "network"): Network {
		const exact = (isWholeId(ref) ? this.network(ref) : undefined) ?? this.networkNamed(ref);
		if (exact !== undefined) return exact;
		// Hexadecimal digits only, so that nothing in it means something to GLOB.
		const rows = /^[0-9a-f]{1,64}$/.test(ref)
			? this.#store.all<NetworkRow>("SELECT * FROM networks WHERE id GLOB ? LIMIT 100", `${ref}*`)
			: [];
		const [first] = rows;
		if (first === undefined) throw faults.NETWORK_NOT_FOUND({ network: ref }, { field });
		if (rows.length > 1) throw faults.AMBIGUOUS_ID({ id: ref, count: String(rows.length) }, { field });
		return networkOf(first);
	}

	networks(where: Where = [], page?: PageRequest): Network[] {
		return this.#list<NetworkRow>("networks", where, page).map(networkOf);
	}

	sandbox(id: string): Sandbox | undefined {
		const row = this.#store.get<SandboxRow>("SELECT * FROM sandboxes WHERE id = ?", id);
		return row && sandboxOf(row);
	}

	getSandbox(id: string, field = "sandbox_id"): Sandbox {
		const sandbox = this.sandbox(id);
		if (sandbox === undefined) throw faults.SANDBOX_NOT_FOUND({ sandbox: id }, { field });
		return sandbox;
	}

	/** As a person knows it, whether it is there still or not. */
	sandboxName(id: string): string {
		return nameOf(this.sandbox(id) ?? { id, name: "" });
	}

	sandboxes(where: Where = [], page?: PageRequest): Sandbox[] {
		return this.#list<SandboxRow>("sandboxes", where, page).map(sandboxOf);
	}

	/** Those that share its namespace, oldest first. */
	joinedTo(sandboxId: string): Sandbox[] {
		return this.sandboxes([["joined = ? AND joined <> ''", sandboxId]]);
	}

	endpoint(id: string): Endpoint | undefined {
		const row = this.#store.get<EndpointRow>("SELECT * FROM endpoints WHERE id = ?", id);
		return row && this.#endpoint(row);
	}

	getEndpoint(id: string, field = "endpoint_id"): Endpoint {
		const endpoint = this.endpoint(id);
		if (endpoint === undefined) throw faults.ENDPOINT_NOT_FOUND({ endpoint: id }, { field });
		return endpoint;
	}

	/** Oldest first. */
	endpointsOf(sandboxId: string): Endpoint[] {
		return this.#store
			.all<EndpointRow>("SELECT * FROM endpoints WHERE sandbox_id = ? ORDER BY seq", sandboxId)
			.map((row) => this.#endpoint(row));
	}

	endpoints(where: Where = [], page?: PageRequest): Endpoint[] {
		return this.#list<EndpointRow>("endpoints", where, page).map((row) => this.#endpoint(row));
	}

	/** Whose port of the host this is. One address and all addresses are no conflict among our own. */
	holderOf({ protocol, hostAddress, hostPort }: HostPort): { endpoint: Endpoint; sandbox: Sandbox } | undefined {
		const rows = this.#store.all<EndpointRow & { host_address: string }>(
			`SELECT endpoints.*, ports.host_address FROM ports JOIN endpoints ON endpoints.id = ports.endpoint_id
				WHERE ports.protocol = ? AND ports.host_port = ?`,
			protocol,
			hostPort,
		);
		const wanted = everywhere(hostAddress?.toString() ?? "");
		const row = rows.find(({ host_address }) => everywhere(host_address) === wanted);
		const sandbox = row && this.sandbox(row.sandbox_id);
		return row && sandbox && { endpoint: this.#endpoint(row), sandbox };
	}

	#endpoint(row: EndpointRow): Endpoint {
		const ports = this.#store.all<Parameters<typeof portOf>[0]>(SELECT_PORTS, row.id).map(portOf);
		return endpointOf(row, ports);
	}

	/** One row more than the page has, so that it is known whether there is another page. */
	#list<R>(table: "networks" | "sandboxes" | "endpoints", where: Where, page?: PageRequest): R[] {
		const given = where.filter((condition) => condition !== undefined);
		const conditions = ["seq > ?", ...given.map(([condition]) => condition)].join(" AND ");
		const params = given.flatMap(([, ...values]) => values);
		const limit = page === undefined ? -1 : page.limit + 1;
		const sql = `SELECT * FROM ${table} WHERE ${conditions} ORDER BY seq LIMIT ?`;
		return this.#store.all<R>(sql, page?.after ?? 0, ...params, limit);
	}
}

function isWholeId(ref: string): boolean {
	return /^[0-9a-f]{64}$/.test(ref);
}

/** All the ways to say every address are one. */
function everywhere(address: string): string {
	return address === "0.0.0.0" || address === "::" ? "" : address;
}
