/** A container's record and its mounts; its process does not run yet. */
import { randomBytes } from "node:crypto";
import type { ContainerSpec } from "#gen/wharf/container/v1/container.ts";
import type { MountsOf } from "#gen/wharf/volume/v1/volume.ts";
import { atField } from "#lib/fault/fault.ts";
import { killPoint } from "#lib/config/kill-point.ts";
import type { Mutation } from "#lib/rpc/handler.ts";
import { ConstraintError } from "#lib/store/store.ts";
import { namedAs } from "./shared-network.ts";
import {
	type ContainerRecord,
	hasMounts,
	hostnameOf,
	type LiveContainer,
	networkMode,
	type Outcome,
	sharedNetworkOf,
	sharing,
} from "./container.ts";
import { containerFact } from "./facts.ts";
import { gatewayFaults } from "../faults.ts";
import { madeUpName } from "../names.ts";
import { refuseUnjoinable } from "./joinable.ts";
import { resolveLinks } from "./links.ts";
import type { Parts } from "../parts.ts";
import { Undo } from "#lib/concurrency/undo.ts";

export async function create(parts: Parts, spec: ContainerSpec, call: Mutation<Outcome>): Promise<Outcome> {
	const { store, table, roots, volumed, log } = parts;
	const imageRoot = roots.treeOf(spec.image);
	const name = spec.name === "" ? madeUpName((one) => table.findByName(one) !== undefined) : spec.name;
	refuseTaken(parts, name);
	const shared = resolveShared(parts, spec);
	const { networkIds, networks, warnings } = await resolveNetworks(parts, spec, call.signal);
	const volumesFrom = resolveVolumesFrom(parts, spec);
	const resolved = { ...spec, networks, ...shared, volumesFrom, name };
	const record = creating(randomBytes(32).toString("hex"), resolved, networkIds);
	const { id } = record;

	using _ = await parts.locks.take(id);
	await using undo = new Undo(
		{
			discard: () => store.write([table.remove(id)]),
			park: () => store.write([table.update(id, { state: "REMOVING", removeVolumes: true })]),
		},
		log,
	);
	try {
		await store.write([table.insert(record), ...table.linksOf(record)], "container.creating");
	} catch (error) {
		undo.done();
		if (error instanceof ConstraintError && error.columns.includes("containers.name")) refuseTaken(parts, name);
		throw error;
	}
	undo.defer(() => roots.remove(id));
	await roots.prepare(id);
	undo.defer(() => volumed.detach(id, true));
	const wanted = { containerId: id, containerName: name, mounts: spec.mounts, mountsOf: mountsOf(record), imageRoot };
	const mounts = hasMounts(record.spec) ? await volumed.attach(wanted, call.signal) : [];
	killPoint("create.attached");

	const container: LiveContainer = { record: { ...record, state: "CREATED", mounts }, endpoints: [] };
	const result = { container, warnings };
	const change = table.update(id, { state: "CREATED", mounts });
	await store.write([change, containerFact("CREATED", record), ...call.answer(result)], "container.created");
	undo.done();
	return result;
}

function refuseTaken({ table }: Parts, name: string): void {
	const holder = table.findByName(name);
	if (holder === undefined) return;
	throw gatewayFaults.CONTAINER_NAME_TAKEN({ name, id: holder.id.slice(0, 12) }, { field: "spec.name" });
}

/** Others are known by their ids from now on; those without mounts have nothing to give. */
function resolveVolumesFrom({ table }: Parts, { volumesFrom }: ContainerSpec): ContainerSpec["volumesFrom"] {
	const found = volumesFrom.map(({ container, readOnly }, index) => {
		const other = atField(`spec.volumes_from[${index}]`, () => table.get(container));
		return { container: other.id, readOnly, isEmpty: other.mounts.length === 0 };
	});
	return found.filter(({ isEmpty }) => !isEmpty).map(({ container, readOnly }) => ({ container, readOnly }));
}

function mountsOf({ spec }: ContainerRecord): MountsOf[] {
	return spec.volumesFrom.map(({ container, readOnly }) => ({ containerId: container, readOnly }));
}

/** Another container's network is that of its id: one that is renamed keeps it, and one that is made anew is another one. */
function resolveShared(parts: Parts, spec: ContainerSpec): Partial<ContainerSpec> {
	if (networkMode(spec) !== "container") return {};
	const owner = parts.table.get(sharedNetworkOf(spec));
	const named = namedAs(parts, owner);
	return { networks: sharing(owner.id), hostname: hostnameOf(named), domainname: named.spec.domainname };
}

interface ResolvedNetworks extends Pick<ContainerSpec, "networks"> {
	/** netd's, in the order of the specification: a network that is renamed or made anew is another one. */
	readonly networkIds: readonly string[];
	readonly warnings: readonly string[];
}

async function resolveNetworks(parts: Parts, spec: ContainerSpec, signal: AbortSignal): Promise<ResolvedNetworks> {
	if (networkMode(spec) !== "networks") return { networks: spec.networks, networkIds: [], warnings: [] };
	const found = await Promise.all(
		spec.networks.map(async (attachment) => ({
			attachment,
			network: await parts.netd.network(attachment.network, signal),
		})),
	);
	const networkIds = found.map(({ network }) => network.id);
	const resolved = found.map(({ attachment, network }, index) => {
		const field = `spec.networks[${index}]`;
		const { id, name } = network;
		if (networkIds.indexOf(id) !== index) throw gatewayFaults.NETWORK_GIVEN_TWICE({ network: name }, { field });
		refuseUnjoinable(network, field);
		return atField(`${field}.links`, () => resolveLinks(parts, attachment, network));
	});
	return {
		networks: resolved.map(({ attachment }) => attachment),
		networkIds,
		warnings: resolved.flatMap(({ warnings }) => warnings),
	};
}

function creating(id: string, spec: ContainerSpec, networkIds: readonly string[]): ContainerRecord {
	return {
		id,
		name: spec.name,
		state: "CREATING",
		spec,
		networkIds,
		mounts: [],
		createdAt: new Date(),
		startedAt: undefined,
		finishedAt: undefined,
		pid: 0,
		pidStart: "",
		exitCode: 0,
		error: "",
		sandboxId: "",
		netnsPath: "",
		removeVolumes: false,
	};
}
