/** What follows the end of a container's process: runtime, sandbox and mount go, the exit status is kept, and whoever waits is told. */
import { containerFact } from "./facts.ts";
import type { Parts } from "../parts.ts";
import { collect } from "#lib/concurrency/undo.ts";
import { removeRecord } from "./remove.ts";

/** Told a second time of the same end is success. */
export async function finish(parts: Parts, id: string, exitCode: number, error = ""): Promise<void> {
	const { locks, table, store, runtime, netd, roots, endings, log } = parts;
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
	const steps = [() => runtime.remove(id), leaveNetwork, () => roots.unmount(id)];
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
	await store.write([table.update(id, ended), containerFact("EXITED", record, exitCode)], "container.exited");
	await runtime.forgetExit(id);
	log.info("container exited", { id, exitCode });
	// What could not be taken back is reconcile's, and so is the removal then.
	if (record.spec.autoRemove && clean) {
		const wanted = { ...record, ...ended, removeVolumes: true };
		await removeRecord(parts, wanted, []).catch((error: unknown) => {
			log.error("a container could not be removed on its end; reconcile will", { id, err: error });
		});
	}
	endings.tellSettled(id, exitCode);
}
