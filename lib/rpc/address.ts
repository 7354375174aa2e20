/** Where a service listens and is reached: a unix socket, or TCP with mutual TLS. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { rpcFaults } from "./faults.ts";

/** Paths of PEM files. `ca` signs the certificates of both sides: who has none of its certificates is refused. */
export interface TlsFiles {
	readonly cert: string;
	readonly key: string;
	readonly ca: string;
}

export interface TcpAddress {
	readonly host: string;
	readonly port: number;
	readonly tls: TlsFiles;
}

export type Address = { readonly unix: string } | { readonly tcp: TcpAddress };

/** For sentences: `/run/netd.sock` or `host:port`. */
export function addressText(address: Address): string {
	return "unix" in address ? address.unix : `${address.tcp.host}:${address.tcp.port}`;
}

/** gRPC's name for it. IPv6 addresses go in brackets. */
export function target(address: Address): string {
	if ("unix" in address) return `unix:${address.unix}`;
	const { host, port } = address.tcp;
	return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** Who answers there, for sentences: sockets are named after their service. */
export function serviceAt(address: Address): string {
	return "unix" in address ? basename(address.unix, ".sock") : "the service";
}

export interface TlsBytes {
	readonly cert: Buffer;
	readonly key: Buffer;
	readonly ca: Buffer;
}

export function readTls(files: TlsFiles): TlsBytes {
	return { cert: readPem(files.cert), key: readPem(files.key), ca: readPem(files.ca) };
}

function readPem(path: string): Buffer {
	try {
		return readFileSync(path);
	} catch (error) {
		const detail = error instanceof Error ? error.message : String(error);
		throw rpcFaults.TLS_FILE_UNREADABLE({ path, detail }, { cause: error });
	}
}
