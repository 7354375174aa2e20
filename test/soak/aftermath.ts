/**
 * Kill points that a service passes only as it begins, with something to mend: the whole control plane has ended in the middle of
 * an operation, whose containers run on.
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../support/host.ts";
import { eventually } from "../support/eventually.ts";
import { kill, pidsOf, settled } from "../support/services.ts";
import type { Step } from "./afternoon.ts";
import { perform } from "./operations.ts";

/** What the end comes into the middle of. */
interface Cut {
	/** What is there before. */
	readonly before?: readonly (readonly string[])[];
	/** The kill point at which the service ends. */
	readonly at?: string;
	readonly service: string;
	readonly during: readonly string[];
	/** What the afternoon finds in its way. */
	readonly after: readonly (readonly string[])[];
}

const RUN = ["run", "-d", "--name", "owl", "host", "sleep", "1000"];
const REMOVE = ["rm", "-f", "owl"];

const CUTS: Readonly<Record<string, Cut>> = {
	"remove.sandbox": { at: "create.attached", service: "gateway", during: RUN, after: [REMOVE] },
	"store.container.adopted": { at: "runtime.start", service: "gateway", during: RUN, after: [REMOVE] },
	"store.container.start-undone": { at: "start.sandbox", service: "gateway", during: RUN, after: [REMOVE] },
	// Without netd the container ends, and its sandbox stays.
	"store.container.sandbox-gone": {
		before: [RUN],
		service: "netd",
		during: ["stop", "-t", "0", "owl"],
		after: [REMOVE],
	},
	"store.volumed.reconcile.failed": {
		before: [["volume", "create", "ash"]],
		at: "volumed.archive.open",
		service: "volumed",
		during: ["volume", "backup", "ash", "-o", "/run/ash.tar"],
		after: [["volume", "rm", "ash"]],
	},
	"store.volumed.reconcile.undone": {
		at: "store.volumed.volume.creating",
		service: "volumed",
		during: ["volume", "create", "ash"],
		after: [["volume", "rm", "ash"]],
	},
	"store.volumed.reconcile.restored": {
		before: [
			["volume", "create", "ash"],
			["volume", "backup", "ash", "-o", "/run/ash.tar"],
		],
		at: "volumed.disk.exchange",
		service: "volumed",
		during: ["volume", "restore", "larch", "/run/ash.tar"],
		after: [["volume", "rm", "ash", "larch"]],
	},
};

/** What netd's settings are at its next start, and what the default network has on it by then. */
interface Resettled {
	readonly netd: object;
	readonly before: readonly (readonly string[])[];
}

const RESETTLED: Readonly<Record<string, Resettled>> = {
	"store.network.remaking": { netd: { mtu: 1400 }, before: [] },
	"store.network.remade": { netd: { mtu: 1400 }, before: [] },
	"store.network.changed": { netd: { ipMasq: false }, before: [RUN] },
	// ipamd refuses it, and goes on refusing.
	"store.network.waiting": { netd: { bip: "127.9.0.1/24" }, before: [] },
};

async function prepareSettings(host: Host, { netd, before }: Resettled): Promise<Step[]> {
	const file = join(host.root, "wharf.json");
	await host.wharfOk("up");
	for (const args of before) await host.wharfOk(...args);
	await host.wharfOk("down");
	await writeFile(file, JSON.stringify({ netd }));
	return [
		...before.map(() => (there: Host) => perform(there, REMOVE)),
		async (there) => {
			await rm(file);
			// It has died already, or this end would be taken for that.
			if (await hasRestarted(there, "netd")) await kill(there, "netd");
			return undefined;
		},
	];
}

async function hasRestarted(host: Host, service: string): Promise<boolean> {
	await settled(host);
	const lines = (await host.wharfOk("status", "--format", "json")).split("\n");
	const services = lines.map((line) => JSON.parse(line) as { readonly Service: string; readonly Restarts: number });
	return services.some(({ Service, Restarts }) => Service === service && Restarts > 0);
}

/**
 * Brings the host to where the kill point is ahead of the next `wharf up`; gives the steps to take after that. The first of them
 * is the end of the command that was cut: it waits for its service, and may yet succeed.
 */
export async function prepare(host: Host, name: string): Promise<Step[]> {
	const resettled = RESETTLED[name];
	if (resettled !== undefined) return prepareSettings(host, resettled);
	const cut = CUTS[name];
	if (cut === undefined) return [];
	await host.ok(host.program, ["up"], { env: { WHARF_KILL_POINT: cut.at ?? "" }, timeoutMs: 120_000 });
	for (const args of cut.before ?? []) await host.wharfOk(...args);
	// Whoever would start the service again does nothing.
	await kill(host, "supervisor", "STOP");
	if (cut.at === undefined) await kill(host, cut.service);
	const command = perform(host, cut.during);
	await (cut.at === undefined ? command : eventually(() => hasEnded(host, cut)));
	await kill(host, "supervisor");
	return [() => command, ...cut.after.map((args) => (there: Host) => perform(there, args))];
}

async function hasEnded(host: Host, { service, at }: Cut): Promise<void> {
	if ((await pidsOf(host, service)).length > 0) throw new Error(`${service} did not come to ${at}`);
}
