/** What follows the end of a container's process: runtime, sandbox and mounts go, the exit status is kept, and whoever waits is told. */
import type { ContainerRecord } from "./container.ts";
import { containerFact } from "./facts.ts";
import type { Parts } from "../parts.ts";
import { collect } from "#lib/concurrency/undo.ts";
import { removeRecord } from "./remove.ts";
import { makingRoom, unstored } from "./room.ts";
import { tellLinking } from "./surroundings.ts";

/** Docker's exit status of a container that a reboot ended. */
const LOST_STATUS = 255;
const LOST =
	"It ended without anybody there to see how: the machine was restarted, its conmon was killed, or the disk was full.";

/** Of a container that is stored as running and whose process is not there: its end is taken in, unless its monitor has still to tell it. */
export async function finishEnded(parts: Parts, { id }: ContainerRecord): Promise<void> {
	const { runtime, roots } = parts;
	const status = await runtime.ended({ id, dir: roots.dir(id) });
	if (status === "pending") return; // conmon's exit file comes by the usual road
	await (status === "unknown" ? finish(parts, id, LOST_STATUS, LOST) : finish(parts, id, status));
}

/** Told a second time of the same end is success. END_NOT_STORED: everything else is done, and reconcile stores it when it can. */
export async function finish(parts: Parts, id: string, exitCode: number, error = ""): Promise<void> {
	const name = parts.table.find(id)?.name;
	await finishOne(parts, id, exitCode, error);
	if (name !== undefined) await tellLinking(parts, name);
}

async function finishOne(parts: Parts, id: string, exitCode: number, error: string): Promise<void> {
	const { locks, table, store, runtime, netd, volumed, roots, endings, log } = parts;
	using _ = await locks.take(id);
	const record = table.find(id);
	if (record?.state !== "RUNNING") {
		// STARTING is reconcile's: it reads the exit file itself.
		if (record?.state !== "STARTING") await runtime.forgetExit(id);
		return;
	}
	endings.tellExited(id);
	let sandboxId = record.sandboxId;
	const leaveNetwork = async (): Promise<void> => {
		await netd.deleteSandboxOf(id);
		sandboxId = "";
	};
	const failed = (problem: unknown): void => log.error("a step of a container's end failed", { id, err: problem });
	const leaveMounts = async (): Promise<void> => {
		if (record.mounts.length > 0) await volumed.deactivate(id);
	};
	const steps = [() => runtime.remove(id), leaveNetwork, leaveMounts, () => roots.unmount(id)];
	const clean = (await Promise.all(steps.map((step) => collect([step], failed)))).every(Boolean);
	// A sandbox that could not be deleted stays in the row: reconcile tries again.
	const ended = {
		state: "EXITED",
		finishedAt: new Date(),
		exitCode,
		error,
		pid: 0,
		pidStart: "",
		sandboxId,
		netnsPath: "",
	} as const;
	const statements = [table.update(id, ended), containerFact("EXITED", record, exitCode)];
	try {
		// What is removed on its end makes room first, if there is none.
		const goes = record.spec.autoRemove ? id : undefined;
		await makingRoom(parts, goes, () => store.write(statements, "container.exited"));
	} catch (failure) {
		const told = unstored(parts, { record, networkStays: sandboxId !== "" }, failure);
		endings.tellUnstored(id, told);
		throw told;
	}
	await runtime.forgetExit(id);
	log.info("container exited", { id, exitCode });
	// What could not be taken back is reconcile's, and so is the removal then.
	if (!clean) endings.tellUndone();
	if (record.spec.autoRemove && clean) {
		const wanted = { ...record, ...ended, removeVolumes: true };
		await removeRecord(parts, wanted, []).catch((error: unknown) => {
			log.error("a container could not be removed on its end; reconcile will", { id, err: error });
		});
	}
	endings.tellSettled(id, exitCode);
}
