/** What rows say and the kernel does not have: bridges, legs, rewrites and port reservations are made again, or the row says why not. */
import { setImmediate } from "node:timers/promises";
import { Fault } from "#lib/fault/fault.ts";
import { attachmentsOf } from "../attachments.ts";
import type { Endpoint } from "../endpoint.ts";
import { keepHostSettings } from "../host-settings.ts";
import { shortId } from "../id.ts";
import type { ObservedInside, ObservedLeg } from "../kernel/links.ts";
import type { Parts } from "../parts.ts";
import { portText } from "../port.ts";
import { hostFamilies } from "../publications.ts";
import { type Sandbox, whyAlone } from "../sandbox.ts";
import { type Attachment, defaultRoutes, sourceRoutes } from "../sandbox-view.ts";
import { IS_THERE, isThere, setStatus, type Status } from "../status.ts";
import type { Problems } from "./problems.ts";

/** Returns how many networks and sandboxes it passed over, since an operation was at work on them. */
export async function ensureEffects(parts: Parts, problems: Problems): Promise<number> {
	const { records, locks } = parts;
	let passedOver = 0;
	for (const { id } of records.networks([[IS_THERE]])) {
		using turn = locks.tryTake(id);
		if (turn === undefined) passedOver += 1;
		else await problems.guard(`keep the network ${id}`, () => ensureNetwork(parts, id));
	}
	const legs = legsOf(parts);
	for (const { id } of records.sandboxes([[IS_THERE]])) {
		using turn = locks.tryTake(id);
		if (turn === undefined) passedOver += 1;
		const sandbox = turn && records.sandbox(id);
		if (sandbox !== undefined)
			await problems.guard(`keep the sandbox ${id}`, () => ensureSandbox(parts, sandbox, legs));
		// Requests have their turn in between.
		await setImmediate();
	}
	return passedOver;
}

function legsOf({ kernel }: Parts): ReadonlyMap<string, ObservedLeg> {
	return new Map(kernel.links.observe().legs.map((leg) => [leg.hostInterface, leg]));
}

async function ensureNetwork({ records, drivers, store }: Parts, id: string): Promise<void> {
	const network = records.network(id);
	const driver = network && drivers.linked(network);
	if (network === undefined || driver === undefined) return;
	const status = await statusAfter(async () => driver.ensureNetwork(await keepHostSettings(store, driver, network)));
	if (differ(network.status, status)) await store.write([setStatus("networks", id, status)]);
}

async function ensureSandbox(parts: Parts, sandbox: Sandbox, legs: ReadonlyMap<string, ObservedLeg>): Promise<void> {
	const { kernel, records, store, log } = parts;
	if (sandbox.joined !== undefined) return ensureJoined(parts, sandbox, sandbox.joined);
	const hasNamespace = kernel.namespaces.isNamespace(sandbox.netnsPath);
	const status: Status = hasNamespace
		? { state: "active" }
		: { state: "failed", reason: "its network namespace is gone" };
	if (differ(sandbox.status, status)) {
		log.warn("a sandbox has changed", { sandbox: sandbox.id, ...status });
		await store.write([setStatus("sandboxes", sandbox.id, status)]);
	}
	const attachments = attachmentsOf(records, sandbox.id);
	const inside = hasNamespace ? kernel.links.observeInside(sandbox.netnsPath) : undefined;
	if (inside?.interfaces.get("lo")?.up === false) {
		log.warn("bringing up a sandbox's loopback again", { sandbox: sandbox.id });
		kernel.namespaces.ensureLoopback(sandbox.netnsPath);
	}
	const working: Attachment[] = [];
	let remade = false;
	for (const attachment of attachments) {
		const { endpoint } = attachment;
		const after = inside
			? await statusAfter(async () => {
					if (await ensureEndpoint(parts, sandbox, attachment, { legs, inside })) remade = true;
				})
			: status;
		if (after.state === "active") working.push(attachment);
		if (!differ(endpoint.status, after)) continue;
		log.warn("an endpoint has changed", { endpoint: endpoint.id, ...after });
		await store.write([setStatus("endpoints", endpoint.id, after)]);
	}
	const aside = sourceRoutes(attachments);
	if (hasNamespace && aside.length > 0) kernel.links.ensureSourceRoutes(sandbox.netnsPath, aside);
	const resolves = attachments.some(({ network }) => network.resolvesNames);
	if (hasNamespace && resolves && kernel.resolver.observe(sandbox.netnsPath) !== sandbox.resolverPort) {
		kernel.resolver.ensure(sandbox.netnsPath, sandbox.resolverPort);
	}
	// A link that was made again has taken its routes along.
	const now = inside && remade ? kernel.links.observeInside(sandbox.netnsPath) : inside;
	if (now !== undefined) ensureRoutes(parts, sandbox, working, now);
}

/** It is as the one whose namespace it shares. */
async function ensureJoined({ records, store, log }: Parts, sandbox: Sandbox, ownerId: string): Promise<void> {
	const owner = records.sandbox(ownerId);
	// What its owner's end has said of it stays.
	if (owner === undefined && sandbox.status.state === "failed") return;
	const gone: Status = { state: "failed", reason: whyAlone(shortId(ownerId)) };
	const status: Status = owner !== undefined && isThere(owner) ? owner.status : gone;
	if (!differ(sandbox.status, status)) return;
	log.warn("a sandbox has changed", { sandbox: sandbox.id, ...status });
	await store.write([setStatus("sandboxes", sandbox.id, status)]);
}

/** True when its link was made again. */
async function ensureEndpoint(
	parts: Parts,
	sandbox: Sandbox,
	{ endpoint, network }: Attachment,
	{ legs, inside }: { readonly legs: ReadonlyMap<string, ObservedLeg>; readonly inside: ObservedInside },
): Promise<boolean> {
	const { drivers, reservations, log } = parts;
	const { netnsPath } = sandbox;
	const driver = drivers.getLinked(network);
	const at = { network, endpoint, netnsPath };
	// One that was connected since all were looked at is looked at again.
	const isLinked = driver.isLinked(at, legs) || driver.isLinked(at, legsOf(parts));
	const isBroken = !isLinked || !isWholeInside(endpoint, inside);
	if (isBroken) {
		log.warn("making an endpoint's link again", { endpoint: endpoint.id });
		await driver.ensureLink(network, endpoint, netnsPath);
		await driver.ensureAddresses(network, endpoint, netnsPath);
	}
	for (const port of endpoint.ports) {
		const families = hostFamilies(network, driver);
		if (reservations.isReserved(port, families)) continue;
		reservations.reserve([port], families);
		log.debug("reserved a port again", { endpoint: endpoint.id, port: portText(port) });
	}
	return isBroken;
}

/** Its interface is up, with its addresses. Others that the container gave it are its own business. */
function isWholeInside({ interface: name, addresses }: Endpoint, { interfaces }: ObservedInside): boolean {
	const end = interfaces.get(name);
	if (end === undefined || !end.up) return false;
	return addresses.every(({ ip, prefix }) =>
		end.addresses.some((present) => present.ip.equals(ip) && present.prefix === prefix),
	);
}

/** A default route that leads elsewhere is the container's choice (a tunnel's); one that is missing is put back. */
function ensureRoutes(
	{ kernel, log }: Parts,
	{ id, netnsPath }: Sandbox,
	working: readonly Attachment[],
	{ defaultRoutes: present }: ObservedInside,
): void {
	const wanted = defaultRoutes(working);
	const missing = ([4, 6] as const).filter((family) => wanted[family] !== undefined && !present.has(family));
	if (missing.length === 0) return;
	log.warn("making a sandbox's default routes again", { sandbox: id, families: missing });
	kernel.links.ensureDefaultRoutes(netnsPath, wanted);
}

/** A refusal is what the row says from now on; anything else is a bug. */
async function statusAfter(body: () => Promise<void> | void): Promise<Status> {
	try {
		await body();
		return { state: "active" };
	} catch (error) {
		if (!(error instanceof Fault)) throw error;
		return { state: "failed", reason: error.message };
	}
}

function differ(one: Status, other: Status): boolean {
	return (
		one.state !== other.state || (one.state === "failed" && other.state === "failed" && one.reason !== other.reason)
	);
}
