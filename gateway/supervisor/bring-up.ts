/** `wharf up`: the supervisor is started when none runs, and waited for until everything answers. */
import { closeSync, statfsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Paths } from "#lib/config/paths.ts";
import { packageOf } from "#lib/exec/packages.ts";
import { start } from "#lib/exec/run.ts";
import { findProgram } from "../find-program.ts";
import { program } from "../package-root.ts";
import { isLocked } from "./lock.ts";
import { lastWords, logPath, openLog } from "./log-file.ts";
import { configuredNats } from "./nats.ts";
import { supervisorFaults } from "./faults.ts";
import { makeFolders } from "./root-folder.ts";
import { liveState, readState, type ServiceState } from "./state-file.ts";

const NEEDED = ["runc", "conmon", "zstd"];
const ASK_EVERY_MS = 20;
/** A supervisor that has not said anything after that time has failed. */
const SILENT_MS = 10_000;
/** As long as it may take the services to end, one after the other. */
const END_MS = 90_000;
/** With less room than this, a failure is the disk's. */
const FULL_BYTES = 256 * 1024;

export interface Progress {
	/** Called once for each service that answers; not when all was up already. */
	readonly serving: (service: ServiceState) => Promise<void>;
}

/** True when it had to be started; false: it was up already. Idempotent. */
export async function bringUp(paths: Paths, env: NodeJS.ProcessEnv, { serving }: Progress): Promise<boolean> {
	requireRoot("up");
	makeFolders(paths);
	const configured = configuredNats(paths, env);
	requirePrograms(configured === undefined ? [...NEEDED, "nats-server"] : NEEDED);
	const before = liveState(paths);
	if (before?.phase === "failed" || before?.phase === "stopping") await unlocked(paths);
	const begun = Date.now();
	if (!(await isLocked(paths))) startSupervisor(paths);
	const isNews = before?.phase !== "up";
	await untilUp(paths, begun, isNews ? serving : async () => undefined);
	return isNews;
}

export function requireRoot(command: string): void {
	if (process.geteuid?.() !== 0) throw supervisorFaults.NOT_ROOT({ command });
}

function requirePrograms(names: readonly string[]): void {
	const missing = names.filter((name) => findProgram(name) === undefined);
	if (missing.length === 0) return;
	const packages = [...new Set(missing.map(packageOf))].join(" ");
	throw supervisorFaults.PROGRAMS_MISSING({ programs: missing.join(", "), packages });
}

function startSupervisor(paths: Paths): void {
	const log = openLog(paths, "supervisor");
	const args = ["--disable-warning=ExperimentalWarning", program("supervisor")];
	start(process.execPath, args, { env: { WHARF_ROOT: paths.root }, cwd: "/", stdout: log, stderr: log, outlive: true });
	closeSync(log);
}

async function untilUp(paths: Paths, begun: number, serving: Progress["serving"]): Promise<void> {
	const told = new Set<string>();
	for (;;) {
		const locked = await isLocked(paths);
		// What a supervisor wrote that is gone is not about this start.
		const read = readState(paths);
		const state = read !== undefined && (read.at >= begun || liveState(paths) !== undefined) ? read : undefined;
		for (const service of state?.services ?? []) {
			if (service.state !== "serving" || told.has(service.name)) continue;
			told.add(service.name);
			await serving(service);
		}
		if (state?.phase === "failed") {
			await unlocked(paths);
			throw failure(paths, state.services);
		}
		if (state?.phase === "up" && locked) return;
		if (!locked && Date.now() - begun > SILENT_MS) {
			throw isFull(paths)
				? supervisorFaults.ROOT_FULL({ root: paths.root })
				: supervisorFaults.SUPERVISOR_FAILED({
						problem: lastWords(paths, "supervisor"),
						log: logPath(paths, "supervisor"),
					});
		}
		await sleep(ASK_EVERY_MS);
	}
}

/** A supervisor that is ending is waited for: it ends its services first. */
async function unlocked(paths: Paths): Promise<void> {
	const until = Date.now() + END_MS;
	while ((await isLocked(paths)) && Date.now() < until) await sleep(ASK_EVERY_MS);
}

function failure(paths: Paths, services: readonly ServiceState[]): Error {
	if (isFull(paths)) return supervisorFaults.ROOT_FULL({ root: paths.root });
	const failed = services.find(({ state }) => state === "failed");
	const service = failed?.name ?? "supervisor";
	const problem = failed?.problem ?? lastWords(paths, "supervisor");
	return supervisorFaults.SERVICE_FAILED({ service, problem, log: logPath(paths, service) });
}

/** Nothing that runs on a full disk can say so in its log. */
function isFull({ root }: Paths): boolean {
	const { bavail, bsize } = statfsSync(root);
	return bavail * bsize < FULL_BYTES;
}
