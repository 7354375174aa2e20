/**
 * Rows against what there is, both ways: what a crash or a reboot left half done is taken back or brought to its end.
 *
 * A container whose process runs is left untouched. One pass is idempotent, works container by container under its lock, and goes
 * on after a failure; it tells how many there were, so that the next one comes soon.
 */
import { existsSync } from "node:fs";
import type { ContainerRecord } from "./compose/container.ts";
import { finishEnded } from "./compose/finish.ts";
import { removeRecord } from "./compose/remove.ts";
import { makingRoom } from "./compose/room.ts";
import { containerFact } from "./compose/facts.ts";
import type { Parts } from "./parts.ts";
import type { Sandbox } from "./peers/netd.ts";
import { isAlive, processStart } from "./runtime/process-start.ts";
import type { RuntimeState } from "./runtime/runtime.ts";

/** Observed before the rows are read: what is made meanwhile has its row first. */
interface Observed {
	readonly runtime: ReadonlyMap<string, RuntimeState>;
	readonly folders: ReadonlySet<string>;
	readonly mounted: ReadonlySet<string>;
	readonly sandboxes: readonly Sandbox[];
	readonly attached: readonly string[];
	/** Those of them whose mounts are ready. */
	readonly activated: ReadonlySet<string>;
}

/** Gives the number of things that could not be mended. */
export async function reconcile(parts: Parts): Promise<number> {
	const { runtime, roots, netd, volumed, table, log } = parts;
	let failures = 0;
	const attempt = async <T>(what: string, otherwise: T, body: () => Promise<T>): Promise<T> => {
		try {
			return await body();
		} catch (error) {
			failures++;
			log.warn(`reconcile: ${what} failed`, { err: error });
			return otherwise;
		}
	};
	const attachments = await attempt("listing attachments", [], () => volumed.attachments());
	const seen: Observed = {
		runtime: await runtime.observe(),
		...(await roots.observe()),
		sandboxes: await attempt("listing sandboxes", [], () => netd.sandboxes()),
		attached: attachments.map(({ containerId }) => containerId),
		activated: new Set(attachments.filter(({ active }) => active).map(({ containerId }) => containerId)),
	};
	for (const { id } of table.everything()) await attempt(`container ${id}`, undefined, () => mend(parts, id, seen));
	const strays = new Set([...seen.runtime.keys(), ...seen.folders, ...seen.mounted, ...seen.attached]);
	for (const id of strays) await attempt(`stray ${id}`, undefined, () => removeStray(parts, id, seen));
	for (const { id, owner } of seen.sandboxes) {
		await attempt(`sandbox ${id}`, undefined, () => removeStraySandbox(parts, id, owner));
	}
	return failures;
}

async function mend(parts: Parts, id: string, seen: Observed): Promise<void> {
	const { locks, table } = parts;
	const lost = await (async () => {
		using _ = await locks.take(id);
		const record = table.find(id);
		switch (record?.state) {
			case undefined:
				return undefined;
			case "RUNNING":
				return isAlive({ pid: record.pid, start: record.pidStart }) ? undefined : record;
			case "STARTING":
				return await mendStarting(parts, record);
			case "CREATING":
			case "REMOVING":
				await removeRecord(
					parts,
					{ ...record, removeVolumes: record.removeVolumes || record.state === "CREATING" },
					[],
				);
				return undefined;
			case "CREATED":
			case "EXITED":
				await mendAtRest(parts, record, seen);
				return undefined;
		}
	})();
	if (lost !== undefined) await finishEnded(parts, lost);
}

/** A start that was cut short: kept when the process had been let go, else taken back. Gives the record when its process has ended. */
async function mendStarting(parts: Parts, record: ContainerRecord): Promise<ContainerRecord | undefined> {
	const { store, table, runtime, netd, volumed, roots } = parts;
	const { id, startedAt } = record;
	const state = (await runtime.observe()).get(id);
	const status = await runtime.ended({ id, dir: roots.dir(id) });
	const pid = state?.status === "running" ? state.pid : 0;
	if (pid > 0 || typeof status === "number") {
		const [sandbox] = await netd.sandboxes(id);
		const running = {
			state: "RUNNING",
			startedAt: new Date(),
			finishedAt: undefined,
			pid,
			pidStart: processStart(pid) ?? "",
			sandboxId: sandbox?.id ?? "",
			netnsPath: sandbox?.netnsPath ?? "",
		} as const;
		await store.write([table.update(id, running), containerFact("STARTED", record)], "container.adopted");
		return pid > 0 ? undefined : { ...record, ...running };
	}
	await runtime.remove(id);
	await netd.deleteSandboxOf(id);
	if (record.mounts.length > 0) await volumed.deactivate(id);
	roots.unmount(id);
	await store.write(
		[table.update(id, { state: startedAt === undefined ? "CREATED" : "EXITED" })],
		"container.start-undone",
	);
	return undefined;
}

/** Nothing of a container that does not run is in the kernel. */
async function mendAtRest(parts: Parts, record: ContainerRecord, seen: Observed): Promise<void> {
	const { store, table, runtime, netd, volumed, roots } = parts;
	const { id } = record;
	const isToGo = record.state === "EXITED" && record.spec.autoRemove;
	const storing = (step: () => Promise<void>): Promise<void> => makingRoom(parts, isToGo ? id : undefined, step);
	if (seen.activated.has(id)) await storing(() => volumed.deactivate(id));
	if (seen.runtime.has(id)) await runtime.remove(id);
	if (seen.mounted.has(id)) roots.unmount(id);
	if (record.sandboxId !== "") {
		await storing(() => netd.deleteSandboxOf(id));
		if (!isToGo) await store.write([table.update(id, { sandboxId: "", netnsPath: "" })], "container.sandbox-gone");
	}
	if (isToGo) await removeRecord(parts, { ...record, removeVolumes: true }, []);
}

/** Without a row: nobody's. Volumes are not touched: what nobody knows the story of is kept. */
async function removeStray(
	{ locks, table, runtime, roots, volumed, log }: Parts,
	id: string,
	seen: Observed,
): Promise<void> {
	using _ = await locks.take(id);
	if (table.find(id) !== undefined) return;
	// It may have been removed in good order since it was seen.
	const runs = seen.runtime.has(id) && (await runtime.observe()).has(id);
	const isAttached =
		seen.attached.includes(id) && (await volumed.attachments()).some(({ containerId }) => containerId === id);
	if (!runs && !isAttached && !existsSync(roots.dir(id))) return;
	log.warn("reconcile: a container without a record is removed", { id });
	if (runs) await runtime.remove(id);
	if (isAttached) await volumed.detach(id, false);
	await roots.remove(id);
	await runtime.forgetExit(id);
}

async function removeStraySandbox({ locks, table, netd, log }: Parts, id: string, owner: string): Promise<void> {
	using _ = await locks.take(owner);
	const record = table.find(owner);
	if (record?.state === "RUNNING" || record?.state === "STARTING") return;
	log.warn("reconcile: a sandbox without a container is removed", { id, owner });
	await netd.deleteSandbox(id);
}
