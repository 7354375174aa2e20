/** A published port as a value: which port of the host leads to which port of the container. */
import { Ip } from "#lib/address/ip.ts";
import type { Statement } from "#lib/store/store.ts";
import { faults } from "./faults.ts";

export type Protocol = "tcp" | "udp" | "sctp";

/** A port of the host. Without an address: at every address of every family that the endpoint has. */
export interface HostPort {
	readonly protocol: Protocol;
	/** 0.0.0.0 and :: are every address of that family. */
	readonly hostAddress: Ip | undefined;
	readonly hostPort: number;
}

export interface Port extends HostPort {
	readonly containerPort: number;
}

const HIGHEST = 65_535;

/** `hostPort` 0 asks for a free one. */
export function checkPort(port: Port): Port {
	checkNumber("host port", port.hostPort, 0, "host_port");
	checkNumber("container port", port.containerPort, 1, "container_port");
	if (port.hostAddress?.family === 6 && port.hostAddress.isLoopback) {
		throw faults.LOOPBACK6_UNPUBLISHABLE({}, { field: "host_address" });
	}
	return port;
}

export function checkNumber(what: string, value: number, lowest: number, field: string): void {
	if (value < lowest || value > HIGHEST) throw faults.INVALID_PORT({ port: String(value), what }, { field });
}

/** Refuses a list in which a port of the host is there twice; free ones (0) are as many as are asked for. */
export function refuseRepeats(ports: readonly HostPort[]): void {
	const seen = new Set<string>();
	for (const port of ports) {
		const key = hostPortKey(port);
		if (port.hostPort !== 0 && seen.has(key)) throw faults.PORT_TWICE({ port: portText(port) }, { field: "ports" });
		seen.add(key);
	}
}

/** The same for the same port of the host. */
export function hostPortKey({ protocol, hostAddress, hostPort }: HostPort): string {
	return `${protocol} ${hostPort} ${hostAddress ?? ""}`;
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

export const SELECT_PORTS = `SELECT protocol, host_address, host_port, container_port FROM ports WHERE endpoint_id = ?
	ORDER BY container_port, protocol, host_port, host_address`;

/** A port of the host that somebody has is a ConstraintError on `ports`. */
export function insertPort(endpointId: string, port: Port): Statement {
	return {
		sql: "INSERT INTO ports (endpoint_id, protocol, host_address, host_port, container_port) VALUES (?, ?, ?, ?, ?)",
		params: [endpointId, port.protocol, port.hostAddress?.toString() ?? "", port.hostPort, port.containerPort],
	};
}

export function deletePort(endpointId: string, port: HostPort): Statement {
	return {
		sql: "DELETE FROM ports WHERE endpoint_id = ? AND protocol = ? AND host_address = ? AND host_port = ?",
		params: [endpointId, port.protocol, port.hostAddress?.toString() ?? "", port.hostPort],
	};
}
