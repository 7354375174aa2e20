/** A published port as a value: which port of the host leads to which port of the container. */
import { Ip } from "#lib/address/ip.ts";
import type { Statement } from "#lib/store/store.ts";
import { faults } from "./faults.ts";

export type Protocol = "tcp" | "udp" | "sctp";

/** A port of the host; one that is stored with 0 has none, and is open at its container's own address. Without an address: at every address of every family that the endpoint has. */
export interface HostPort {
	readonly protocol: Protocol;
	/** 0.0.0.0 and :: are every address of that family. */
	readonly hostAddress: Ip | undefined;
	readonly hostPort: number;
}

export interface Port extends HostPort {
	readonly containerPort: number;
	/** Only of what is asked for: one from `hostPort` to this will do. */
	readonly hostPortEnd?: number | undefined;
}

const HIGHEST = 65_535;

/** `hostPort` 0 asks for a free one. */
export function checkPort(port: Port): Port {
	checkNumber("host port", port.hostPort, 0, "host_port");
	checkNumber("container port", port.containerPort, 1, "container_port");
	if (port.hostPortEnd !== undefined) checkRange(port.hostPort, port.hostPortEnd);
	if (port.hostAddress?.family === 6 && port.hostAddress.isLoopback) {
		throw faults.LOOPBACK6_UNPUBLISHABLE({}, { field: "host_address" });
	}
	return port;
}

function checkRange(first: number, last: number): void {
	checkNumber("host port", first, 1, "host_port");
	checkNumber(`last port of a range from ${first}`, last, first, "host_port_end");
}

export function checkNumber(what: string, value: number, lowest: number, field: string): void {
	if (value < lowest || value > HIGHEST) throw faults.INVALID_PORT({ port: String(value), what }, { field });
}

/** Refuses a list in which a port of the host is there twice; free ones (0, or of a range) are as many as are asked for. */
export function refuseRepeats(ports: readonly Port[]): void {
	const seen = new Set<string>();
	for (const port of ports) {
		const key = hostPortKey(port);
		if (port.hostPort === 0 || port.hostPortEnd !== undefined) continue;
		if (seen.has(key)) throw faults.PORT_TWICE({ port: portText(port) }, { field: "ports" });
		seen.add(key);
	}
}

/** The same for the same port of the host. */
export function hostPortKey({ protocol, hostAddress, hostPort }: HostPort): string {
	return `${protocol} ${hostPort} ${hostAddress ?? ""}`;
}

/** Reached at its container's own address alone: no port of the host leads there. */
export function isOpened({ hostPort }: HostPort): boolean {
	return hostPort === 0;
}

/** The same for the same port of one endpoint. */
export function portKey(port: Port): string {
	return isOpened(port) ? `${hostPortKey(port)} ${port.containerPort}` : hostPortKey(port);
}

/** `8080/tcp`, `192.0.2.1:53/udp`, `[2001:db8::1]:53/udp`. */
export function portText({ protocol, hostAddress, hostPort }: HostPort): string {
	const at = hostAddress === undefined ? "" : hostAddress.family === 6 ? `[${hostAddress}]:` : `${hostAddress}:`;
	return `${at}${hostPort}/${protocol}`;
}

interface Row {
	readonly protocol: Protocol;
	readonly host_address: string;
	readonly host_port: number;
	readonly container_port: number;
}

export function portOf(row: Row): Port {
	return {
		protocol: row.protocol,
		hostAddress: row.host_address === "" ? undefined : Ip.parse(row.host_address),
		hostPort: row.host_port,
		containerPort: row.container_port,
	};
}

export const SELECT_PORTS = `
	SELECT protocol, host_address, host_port, container_port FROM ports WHERE endpoint_id = ?1
	UNION ALL SELECT protocol, host_address, 0, container_port FROM openings WHERE endpoint_id = ?1
	ORDER BY container_port, protocol, host_port, host_address`;

/** A port of the host that somebody has is a ConstraintError on `ports`. One statement a table, however many they are. */
export function insertPorts(endpointId: string, ports: readonly Port[]): Statement[] {
	const [opened, published] = partition(ports);
	const ofPorts = `INSERT INTO ports (endpoint_id, protocol, host_address, container_port, host_port)
		SELECT ?, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?)`;
	const ofOpenings = `INSERT INTO openings (endpoint_id, protocol, host_address, container_port)
		SELECT ?, value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)`;
	return [...aboutAll(ofPorts, endpointId, published), ...aboutAll(ofOpenings, endpointId, opened)];
}

/** Absent is success. */
export function deletePorts(endpointId: string, ports: readonly Port[]): Statement[] {
	const [opened, published] = partition(ports);
	const ofPorts = `DELETE FROM ports WHERE endpoint_id = ? AND (protocol, host_address, host_port) IN
		(SELECT value ->> 0, value ->> 1, value ->> 3 FROM json_each(?))`;
	const ofOpenings = `DELETE FROM openings WHERE endpoint_id = ? AND (protocol, host_address, container_port) IN
		(SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?))`;
	return [...aboutAll(ofPorts, endpointId, published), ...aboutAll(ofOpenings, endpointId, opened)];
}

function partition(ports: readonly Port[]): [opened: readonly Port[], published: readonly Port[]] {
	return [ports.filter(isOpened), ports.filter((port) => !isOpened(port))];
}

/** `sql` reads protocol, address, container's and host's port of each out of JSON. */
function aboutAll(sql: string, endpointId: string, ports: readonly Port[]): Statement[] {
	if (ports.length === 0) return [];
	const rows = ports.map(({ protocol, hostAddress, containerPort, hostPort }) => [
		protocol,
		hostAddress?.toString() ?? "",
		containerPort,
		hostPort,
	]);
	return [{ sql, params: [endpointId, JSON.stringify(rows)] }];
}
