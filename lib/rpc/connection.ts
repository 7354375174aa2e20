/**
 * One client's connection to one address, and what its failures are called.
 *
 * grpc-js answers calls with the last failure until its back-off is over, also when the server is long back. So a connection that
 * failed is dropped and the next call makes a new one: a missing service is noticed at once, and so is its return.
 */
import { accessSync, constants, existsSync } from "node:fs";
import { type ChannelCredentials, Client as GrpcClient, credentials, type ServiceError, status } from "@grpc/grpc-js";
import type { Fault } from "#lib/fault/fault.ts";
import { type Address, addressText, readTls, serviceAt, target } from "./address.ts";
import { methodName } from "./definition.ts";
import { rpcFaults } from "./faults.ts";
import { MAX_MESSAGE_BYTES } from "./limits.ts";
import { PipelineClient } from "./pipeline-client.ts";
import { faultOf } from "./status.ts";

const OPTIONS = {
	"grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
	"grpc.max_send_message_length": MAX_MESSAGE_BYTES,
	"grpc.enable_retries": 0, // retry.ts knows about request ids
	"grpc.enable_channelz": 0,
	"grpc.service_config_disable_resolution": 1,
	"grpc.use_local_subchannel_pool": 1, // a dropped connection shall not come back from the pool with its back-off
	"grpc.enable_http_proxy": 0,
};
/** Finds out that a host has gone; a unix socket tells by itself. */
const TCP_OPTIONS = { ...OPTIONS, "grpc.keepalive_time_ms": 30_000, "grpc.keepalive_timeout_ms": 10_000 };

export class Connection {
	readonly #address: Address;
	#grpc: GrpcClient | undefined;
	#credentials: ChannelCredentials | undefined;
	#pipeline: PipelineClient | undefined;

	constructor(address: Address) {
		this.#address = address;
	}

	get grpc(): GrpcClient {
		this.#grpc ??= this.#open();
		return this.#grpc;
	}

	/** The stream for calls that share one; opened where there is none. */
	get pipeline(): PipelineClient {
		if (this.#pipeline?.isOpen) return this.#pipeline;
		const { grpc } = this;
		this.#pipeline = new PipelineClient(grpc, (path, error) => this.failed(grpc, path, error));
		return this.#pipeline;
	}

	/** Calls that run go on; a later call opens it again. */
	close(): void {
		this.#pipeline?.end();
		this.#pipeline = undefined;
		this.#grpc?.close();
		this.#grpc = undefined;
	}

	/** False where nothing can answer before somebody starts it: there is no socket. */
	get mayAnswer(): boolean {
		return "tcp" in this.#address || existsSync(this.#address.unix);
	}

	/** The fault to throw for what a call over `grpc` met. A peer's fault is given as it is. */
	failed(grpc: GrpcClient, path: string, error: ServiceError): Fault {
		const known = faultOf(error, error);
		if (known) return known;
		const method = methodName(path);
		const place = { service: serviceAt(this.#address), address: addressText(this.#address) };
		const { code, details } = error;
		if (code === status.UNAVAILABLE) {
			if (grpc === this.#grpc) this.close();
			const refusal = isForbidden(this.#address) ? rpcFaults.SOCKET_FORBIDDEN : rpcFaults.SERVICE_UNAVAILABLE;
			return refusal(place, { cause: error });
		}
		if (code === status.DEADLINE_EXCEEDED) return rpcFaults.DEADLINE_EXCEEDED({ method }, { cause: error });
		if (code === status.CANCELLED) return rpcFaults.CANCELLED({ method }, { cause: error });
		if (code === status.UNIMPLEMENTED) return rpcFaults.NOT_SERVED({ ...place, method }, { cause: error });
		if (code === status.RESOURCE_EXHAUSTED) {
			return rpcFaults.MESSAGE_TOO_LARGE({ method, max: String(MAX_MESSAGE_BYTES) }, { cause: error });
		}
		return rpcFaults.PEER_FAILED({ service: place.service, method, detail: details }, { cause: error });
	}

	#open(): GrpcClient {
		this.#credentials ??= "unix" in this.#address ? credentials.createInsecure() : mutualTls(this.#address);
		return new GrpcClient(target(this.#address), this.#credentials, "unix" in this.#address ? OPTIONS : TCP_OPTIONS);
	}
}

/** Asked only after a failure: grpc-js does not tell a socket that may not be opened from one that nobody listens at. */
export function isForbidden(address: Address): boolean {
	if ("tcp" in address) return false;
	try {
		accessSync(address.unix, constants.W_OK);
		return false;
	} catch (error) {
		return error instanceof Error && "code" in error && error.code === "EACCES";
	}
}

function mutualTls({ tcp }: Extract<Address, { tcp: unknown }>): ChannelCredentials {
	const { ca, key, cert } = readTls(tcp.tls);
	return credentials.createSsl(ca, key, cert);
}
