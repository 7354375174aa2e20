/** A container's file system, sandbox, networks and process, in that order; on failure all of it is taken back. */
import type { Endpoint } from "#gen/wharf/network/v1/endpoint.ts";
import type { Sandbox } from "#gen/wharf/network/v1/sandbox.ts";
import { killPoint } from "#lib/config/kill-point.ts";
import type { Mutation } from "#lib/rpc/handler.ts";
import { type ContainerRecord, hasMounts, hostnameOf, networkMode, type Outcome } from "./container.ts";
import { containerFact } from "./facts.ts";
import { gatewayFaults } from "../faults.ts";
import { GeneratedFiles } from "../files/generated-files.ts";
import type { Parts } from "../parts.ts";
import { linkEnvironment, namedLinks, runningLinked } from "./links.ts";
import { publisherOf } from "./publisher.ts";
import { namedAs, runningOwner } from "./shared-network.ts";
import { DEFAULT_PATH, ociConfig, type OciConfig, type OciInput } from "../runtime/oci-config.ts";
import { openFilesLimit } from "../runtime/open-files.ts";
import { findWritable } from "../runtime/read-only-mounts.ts";
import { hostPathOf, lookUp } from "../runtime/program-lookup.ts";
import { RuntimeError } from "../runtime/runtime.ts";
import { Undo } from "#lib/concurrency/undo.ts";
import { endpointsOf } from "./observe.ts";
import { type Legs, refuseNoHostGateway, surroundingsOf, tellLinking } from "./surroundings.ts";
import { findUnfit } from "./unfit-mount.ts";

interface Joined extends Legs {
	readonly warnings: readonly string[];
}

export async function start(parts: Parts, reference: string, call: Mutation<Outcome>): Promise<Outcome> {
	const { id } = parts.table.get(reference);
	const started = await startOne(parts, id, call);
	await tellLinking(parts, started.container.record.name);
	return started;
}

async function startOne(parts: Parts, id: string, call: Mutation<Outcome>): Promise<Outcome> {
	const { store, table, runtime, roots } = parts;
	using _ = await parts.locks.take(id);
	const record = table.get(id);
	if (record.state === "RUNNING")
		return { container: { record, endpoints: await endpointsOf(parts, record) }, warnings: [] };
	if (record.state !== "CREATED" && record.state !== "EXITED")
		throw gatewayFaults.CONTAINER_REMOVING({ container: record.name });

	const owner = namedAs(parts, record);
	if (owner !== record) runningOwner(parts, record);
	runningLinked(parts, record);
	await refuseNoHostGateway(parts, record, call.signal);
	// What cannot be taken back is left as STARTING, which reconcile takes back.
	await using undo = new Undo({ discard: () => store.write([table.update(id, { state: record.state })]) }, parts.log);
	await store.write([table.update(id, { state: "STARTING", error: "" })], "container.starting");
	await roots.prepare(id);
	undo.defer(() => roots.unmount(id));
	roots.ensureMounted(id);
	if (hasMounts(record.spec)) undo.defer(() => parts.volumed.deactivate(id));
	const mounts = hasMounts(record.spec) ? await parts.volumed.activate(id, call.signal) : [];
	killPoint("start.activated");
	undo.defer(() => parts.netd.deleteSandboxOf(id));
	const legs = await joinNetworks(parts, record, call.signal);
	const { sandbox, endpoints } = legs;
	const { inside, warnings } = await insideOf(parts, record, owner, legs);
	undo.defer(() => runtime.remove(id));
	const { pid, start: pidStart } = await launch(parts, { ...record, mounts }, inside);

	const running = {
		state: "RUNNING",
		startedAt: new Date(),
		finishedAt: undefined,
		pid,
		pidStart,
		exitCode: 0,
		sandboxId: sandbox?.id ?? "",
		netnsPath: sandbox?.netnsPath ?? "",
		mounts,
	} as const;
	const result = { container: { record: { ...record, ...running }, endpoints }, warnings };
	const statements = [table.update(id, running), containerFact("STARTED", record), ...call.answer(result)];
	await store.write(statements, "container.running");
	undo.done();
	return result;
}

/** The first network is the default gateway's unless another has a higher priority. `host` has no sandbox, `none` one without legs. */
async function joinNetworks(parts: Parts, record: ContainerRecord, signal: AbortSignal): Promise<Joined> {
	const { netd } = parts;
	const { id: owner, spec, networkIds } = record;
	const mode = networkMode(spec);
	if (mode === "host") return { sandbox: undefined, endpoints: [], warnings: [] };
	// Left by a former run whose end netd was away for.
	if (record.sandboxId !== "") await netd.deleteSandboxOf(owner);
	const made = await makeSandbox(parts, record, signal);
	killPoint("start.sandbox");
	if (made === undefined) return { sandbox: undefined, endpoints: [], warnings: [] };
	if (mode === "none" || mode === "container") return { sandbox: made, endpoints: [], warnings: [] };
	// Where none can, the first one's refusal says why.
	const isOpen = networkIds.length > 1 && spec.ports.length > 0;
	const publisher = (isOpen ? await publisherOf(parts, record, signal) : undefined) ?? networkIds[0];
	const endpoints: Endpoint[] = [];
	const warnings: string[] = [];
	for (const [index, network] of networkIds.entries()) {
		const attachment = spec.networks[index];
		const { addresses = [], aliases = [], gatewayPriority = 0 } = attachment ?? {};
		const links = attachment === undefined ? {} : namedLinks(attachment);
		const ports = network === publisher ? spec.ports : [];
		const asked = { addresses, aliases, gatewayPriority, links, ports };
		const { endpoint, namesLag } = await netd.connect({ network, sandboxId: made.id, ...asked }, signal);
		killPoint("start.connected");
		endpoints.push(endpoint);
		if (namesLag) warnings.push(namesLagWarning(endpoint.networkName));
	}
	// Whether it has a resolver shows only now.
	return { sandbox: await netd.sandbox(made.id, signal), endpoints, warnings };
}

/** Undefined: the container whose network it shares has the host's. */
async function makeSandbox(parts: Parts, record: ContainerRecord, signal: AbortSignal): Promise<Sandbox | undefined> {
	const { netd } = parts;
	const { id: owner, name } = record;
	if (networkMode(record.spec) !== "container") {
		const dnsServers = record.spec.dns?.servers ?? [];
		return netd.createSandbox({ owner, name, hostname: hostnameOf(record), joinSandboxId: "", dnsServers }, signal);
	}
	const { sandboxId } = runningOwner(parts, record);
	if (sandboxId === "") return undefined;
	return netd.createSandbox({ owner, name, hostname: "", joinSandboxId: sandboxId, dnsServers: [] }, signal);
}

export function namesLagWarning(network: string): string {
	return `Names on network ${network} are not answered yet: dnsd has not confirmed them, and will when it is back.`;
}

/** `environment`: what its links give it; its own goes before. */
type Inside = Pick<OciInput, "netnsPath" | "files" | "environment">;

/** Its files are written, or are the owner's. */
async function insideOf(
	parts: Parts,
	record: ContainerRecord,
	owner: ContainerRecord,
	legs: Joined,
): Promise<{ readonly inside: Inside; readonly warnings: readonly string[] }> {
	const files = new GeneratedFiles(parts.roots.dir(owner.id));
	const told = owner === record ? await files.write(await surroundingsOf(parts, record, legs)) : [];
	const environment = await linkEnvironment(parts, record);
	const inside = { netnsPath: legs.sandbox?.netnsPath, files: files.mounts, environment };
	return { inside, warnings: [...legs.warnings, ...told] };
}

async function launch(parts: Parts, record: ContainerRecord, { environment, ...inside }: Inside) {
	const { runtime, roots, wharfRoot } = parts;
	const { id, spec, mounts } = record;
	const config = ociConfig({
		id,
		command: spec.command,
		environment: withoutTwins(environment, spec.environment),
		hostname: hostnameOf(record),
		domainname: spec.domainname,
		...inside,
		rootfs: roots.rootfs(id),
		hidden: [wharfRoot],
		openFiles: openFilesLimit(),
		mounts,
	});
	try {
		const process = await runtime.create({ id, dir: roots.dir(id), logPath: logPathOf(parts, id) }, config);
		const writable = findWritable(process.pid, mounts);
		if (writable !== undefined)
			throw gatewayFaults.MOUNT_NOT_READ_ONLY({ container: record.name, destination: writable });
		await runtime.start(id);
		return process;
	} catch (error) {
		if (error instanceof RuntimeError) throw explained(record, config, error);
		throw error;
	}
}

/** The last of a name counts. */
function withoutTwins(...all: readonly (readonly string[])[]): string[] {
	const nameOf = (entry: string): string => entry.split("=", 1)[0] ?? "";
	return [...new Map(all.flat().map((entry) => [nameOf(entry), entry])).values()];
}

function logPathOf({ roots }: Pick<Parts, "roots">, id: string): string {
	return `${roots.dir(id)}/log`;
}

/** Why it did not start: what can be seen by looking is said in a word of ours, everything else in the runtime's. */
function explained(record: ContainerRecord, { process, root, mounts }: OciConfig, error: RuntimeError): Error {
	const { name } = record;
	const unfit = findUnfit(root.path, record.mounts);
	if (unfit !== undefined) return gatewayFaults.MOUNT_UNFIT({ container: name, ...unfit }, { cause: error });
	const command = process.args[0] ?? "";
	const path = process.env.findLast((entry) => entry.startsWith("PATH="))?.slice("PATH=".length) ?? DEFAULT_PATH;
	switch (lookUp(command, path, hostPathOf(root.path, mounts))) {
		case "not-found":
			return gatewayFaults.COMMAND_NOT_FOUND({ command, container: name }, { cause: error });
		case "not-executable":
			return gatewayFaults.COMMAND_NOT_EXECUTABLE({ command, container: name }, { cause: error });
		case "found":
			return gatewayFaults.RUNTIME_FAILED({ container: name, words: error.words }, { cause: error });
	}
}
