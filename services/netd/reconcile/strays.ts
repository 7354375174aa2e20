/** Objects of ours in the kernel that no row speaks of: a crash, or a store that is gone, left them. Others' are never touched. */
import { setImmediate } from "node:timers/promises";
import { bridgeName, shimName } from "../id.ts";
import type { Parts } from "../parts.ts";
import type { Problems } from "./problems.ts";

/** Those that have a namespace of their own. */
const OWNING = [["joined = ''"]] as const;

/**
 * The kernel is looked at before the rows are, in one go: rows come before what they speak of and go after it, so whatever is
 * seen without a row is a stray, also while operations are under way.
 */
export async function removeStrays({ kernel, records, log }: Parts, problems: Problems): Promise<void> {
	const { bridges, legs } = kernel.links.observe();
	const namespaces = kernel.namespaces.observe();
	const networks = records.networks();
	const ownBridges = new Set(
		networks.flatMap(({ interface: name, id, hostAddresses, status }) => [
			name,
			bridgeName(id),
			// While it is made its row does not know of them yet.
			...(hostAddresses.length > 0 || status.state === "creating" ? [shimName(id)] : []),
		]),
	);
	const ownLegs = new Set(records.endpoints().map(({ hostInterface }) => hostInterface));
	const ownNamespaces = new Set(records.sandboxes(OWNING).map(({ netnsPath }) => netnsPath));

	for (const { hostInterface, endpointId } of legs) {
		// Without a mark it is ours only if a row says so.
		if (ownLegs.has(hostInterface) || endpointId === undefined) continue;
		log.warn("removing a stray link", { name: hostInterface, endpoint: endpointId });
		await problems.guard(`remove ${hostInterface}`, () => kernel.links.removeLeg(hostInterface));
	}
	for (const { name, networkId } of bridges) {
		if (ownBridges.has(name) || networkId === undefined) continue;
		log.warn("removing a stray bridge", { name, network: networkId });
		await problems.guard(`remove ${name}`, () => kernel.links.removeBridge({ name, networkId }));
	}
	await removeStrayMacvlans({ kernel, records, log }, problems);
	for (const path of namespaces) {
		if (ownNamespaces.has(path)) continue;
		log.warn("removing a stray namespace", { path });
		await problems.guard(`remove ${path}`, () => kernel.namespaces.remove(path));
	}
}

/** In the sandboxes that there are. A namespace whose end takes its links along needs none of this. */
async function removeStrayMacvlans(
	{ kernel, records, log }: Pick<Parts, "kernel" | "records" | "log">,
	problems: Problems,
): Promise<void> {
	for (const { id, netnsPath } of records.sandboxes(OWNING)) {
		await problems.guard(`look for strays in the sandbox ${id}`, async () => {
			if (!kernel.namespaces.isNamespace(netnsPath)) return;
			for (const { endpointId } of kernel.links.macvlans(netnsPath)) {
				if (records.endpoint(endpointId) !== undefined) continue;
				log.warn("removing a stray macvlan", { endpoint: endpointId, sandbox: id });
				await kernel.links.removeMacvlan({ endpointId, netns: netnsPath });
			}
		});
		// Requests have their turn in between.
		await setImmediate();
	}
}
