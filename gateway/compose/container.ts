/**
 * A container as the gateway keeps it.
 *
 * What is composed of others' (ports, mounts) stays in their contracts' words: the gateway passes it on and judges nothing of it.
 */
import type { Container, ContainerSpec } from "#gen/wharf/container/v1/container.ts";
import type { Endpoint } from "#gen/wharf/network/v1/endpoint.ts";
import type { ResolvedMount } from "#gen/wharf/volume/v1/volume.ts";

export type RecordState =
	/** Its mounts are being made. A crash leaves it, and reconcile takes it back. */
	| "CREATING"
	| "CREATED"
	/** Its file system, sandbox and process are being made. A crash leaves it, and reconcile takes these back. */
	| "STARTING"
	| "RUNNING"
	| "EXITED"
	| "REMOVING";

export interface ContainerRecord {
	/** 64 hexadecimal digits. */
	readonly id: string;
	readonly name: string;
	readonly state: RecordState;
	/** Its networks are named by netd's ids in `networkIds`, in the same order. */
	readonly spec: ContainerSpec;
	readonly networkIds: readonly string[];
	readonly mounts: readonly ResolvedMount[];
	readonly createdAt: Date;
	readonly startedAt: Date | undefined;
	readonly finishedAt: Date | undefined;
	/** 0: none. */
	readonly pid: number;
	/** When the process with that pid was started: a pid alone is soon somebody else's. */
	readonly pidStart: string;
	readonly exitCode: number;
	readonly error: string;
	/** Empty: none. */
	readonly sandboxId: string;
	readonly netnsPath: string;
	/** Volumes without a name go when it is removed. */
	readonly removeVolumes: boolean;
}

/** A container after something was done to it. */
export interface Outcome {
	readonly container: LiveContainer;
	/** What the user should know; one sentence each. */
	readonly warnings: readonly string[];
}

/** A record with what netd says of it now. */
export interface LiveContainer {
	readonly record: ContainerRecord;
	readonly endpoints: readonly Endpoint[];
}

/** `host` has no sandbox, `none` a sandbox without endpoints, `container` the sandbox of another container. */
export type NetworkMode = "host" | "none" | "networks" | "container";

const CONTAINER = "container:";

export function networkMode(spec: Pick<ContainerSpec, "networks">): NetworkMode {
	const [first] = spec.networks;
	if (first?.network.startsWith(CONTAINER) === true) return "container";
	return first?.network === "host" || first?.network === "none" ? first.network : "networks";
}

/** Of the mode `container`: the other one, as it was said; in a record it is its id. */
export function sharedNetworkOf({ networks }: Pick<ContainerSpec, "networks">): string {
	return networks[0]?.network.slice(CONTAINER.length) ?? "";
}

export function sharing(id: string): ContainerSpec["networks"] {
	return [{ network: `${CONTAINER}${id}`, addresses: [], aliases: [], gatewayPriority: 0, links: [] }];
}

/** It is attached at volumed. */
export function hasMounts({ mounts, volumesFrom }: Pick<ContainerSpec, "mounts" | "volumesFrom">): boolean {
	return mounts.length + volumesFrom.length > 0;
}

export function hostnameOf({ id, spec }: Pick<ContainerRecord, "id" | "spec">): string {
	return spec.hostname === "" ? id.slice(0, 12) : spec.hostname;
}

/** With its domain, if it has one. */
export function fullHostnameOf(record: Pick<ContainerRecord, "id" | "spec">): string {
	const { domainname } = record.spec;
	return domainname === "" ? hostnameOf(record) : `${hostnameOf(record)}.${domainname}`;
}

/** The states that the contract knows. */
export function publicState(state: RecordState, everStarted: boolean): Container["state"] {
	switch (state) {
		case "CREATING":
		case "CREATED":
			return "CONTAINER_STATE_CREATED";
		case "STARTING":
			return everStarted ? "CONTAINER_STATE_EXITED" : "CONTAINER_STATE_CREATED";
		case "RUNNING":
			return "CONTAINER_STATE_RUNNING";
		case "EXITED":
			return "CONTAINER_STATE_EXITED";
		case "REMOVING":
			return "CONTAINER_STATE_REMOVING";
	}
}
