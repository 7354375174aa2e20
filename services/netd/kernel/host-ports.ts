/** Ports of the host that nobody else can take: sockets that are bound and drop everything. They end with the process. */
import type { Ip } from "#lib/address/ip.ts";
import type { Protocol } from "../port.ts";

export interface HostPortRequest {
	readonly protocol: Protocol;
	/** 0.0.0.0 and :: stand for every address of their own family. */
	readonly address: Ip;
	/** 0 takes a free one. */
	readonly port: number;
}

export interface Reservation extends Disposable {
	readonly port: number;
}

export interface HostPorts {
	/**
	 * Undefined when another socket has it; Fault NOT_A_HOST_ADDRESS when the host has no such address, PROTOCOL_UNSUPPORTED when the
	 * kernel has no such transport.
	 */
	reserve(request: HostPortRequest): Reservation | undefined;
	/** Which program has it, for a sentence: `nginx (process 812)`. Slow; for the failure path. */
	holder(request: HostPortRequest): string | undefined;
}
