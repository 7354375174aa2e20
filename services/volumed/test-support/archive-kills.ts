/**
 * Backups, restores, clones and verifications whose volumed, compressor or caller ends at a moment of no choice.
 *
 * Afterwards a volume has one whole content or another, a file that has an archive's name is a whole archive, what was answered is true,
 * and nothing else is there.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
	BackupVolumeRequest,
	CloneVolumeRequest,
	CreateVolumeRequest,
	DeleteVolumeRequest,
	ListVolumesRequest,
	RestoreVolumeRequest,
} from "#gen/wharf/volume/v1/volume.ts";
import { isFault } from "#lib/fault/fault.ts";
import { backup, Daemon, verify } from "./daemon.ts";
import type { Choices } from "./kill-clients.ts";

const FILES = 200;
const FILE_BYTES = 100_000;
const LONGEST_LIFE_MS = 150;
const PATIENCE_MS = 20_000;
const STEP_MS = 20;

export interface ArchiveKills {
	readonly rounds: number;
	readonly random: Choices;
	readonly report: (problem: string) => void;
}

/** What has been asked for; `after` says what is wrong, once it was answered or not. */
interface Operation {
	readonly name: string;
	run(signal: AbortSignal): AsyncIterable<{ readonly part: { readonly $case: string } | undefined }>;
	after?(isAnswered: boolean): string | undefined;
}

/** Gives how many of the operations came to a good end, and how many were ended by what. */
export async function archiveKills({ rounds, random, report }: ArchiveKills): Promise<Record<string, number>> {
	await using scene = await ArchiveScene.open();
	const counts: Record<string, number> = {};
	for (let round = 1; round <= rounds; round++) {
		const operation = pick(random, OPERATIONS)(scene, random, round);
		const victim = pick(random, VICTIMS);
		const say = (problem: string): void => report(`round ${round}, ${operation.name}, ${victim} ends: ${problem}`);
		const [isAnswered, what] = await scene.endIn(operation, victim, random.below(LONGEST_LIFE_MS));
		counts[what] = (counts[what] ?? 0) + 1;
		const wrong = operation.after?.(isAnswered);
		if (wrong !== undefined) say(wrong);
		for (const problem of await scene.amiss()) say(problem);
	}
	return counts;
}

const VICTIMS = ["volumed", "volumed", "the compressor", "the caller"] as const;
type Victim = (typeof VICTIMS)[number];

const SOURCES = ["good", "good.zst", "old"] as const;
type Source = (typeof SOURCES)[number];
type Content = "old" | "new";

const contentIn = (source: Source): Content => (source === "old" ? "old" : "new");

const OPERATIONS: readonly ((scene: ArchiveScene, random: Choices, round: number) => Operation)[] = [
	(scene, random, round) => {
		const compression = pick(random, ["COMPRESSION_NONE", "COMPRESSION_ZSTD", "COMPRESSION_GZIP"] as const);
		const path = scene.out(`backup-${round}`);
		return {
			name: `a backup, ${compression}`,
			run: (signal) => scene.backup({ path, compression }, signal),
			after: (isAnswered) => (isAnswered && !exists(path) ? "it was answered and is not there" : undefined),
		};
	},
	(scene) => ({
		name: "a dated backup",
		run: (signal) =>
			scene.backup(
				{ directory: scene.out("dated"), retention: { last: 2, hourly: 0, daily: 0, weekly: 0, monthly: 0 } },
				signal,
			),
	}),
	(scene) => ({
		name: "a backup that is sent",
		run: (signal) => scene.backup({ compression: "COMPRESSION_ZSTD" }, signal),
	}),
	(scene, random) => {
		const source = pick(random, SOURCES);
		const before = scene.contentOf("target");
		return {
			name: `a restore from ${source}`,
			run: (signal) => scene.restore("target", source, signal),
			after: (isAnswered) => {
				const content = scene.contentOf("target");
				const allowed = isAnswered ? [contentIn(source)] : [contentIn(source), before];
				return allowed.includes(content) ? undefined : `the content is ${content} and not ${allowed.join(" or ")}`;
			},
		};
	},
	(scene, random, round) => ({
		name: "a restore into a new volume",
		run: (signal) => scene.restore(`made-${round}`, pick(random, ["good", "good.zst"]), signal),
		after: (isAnswered) => scene.madeProblem(`made-${round}`, isAnswered),
	}),
	(scene, _, round) => ({
		name: "a clone",
		run: (signal) =>
			scene.daemon.backups.cloneVolume(
				CloneVolumeRequest.fromPartial({ requestId: `clone-${round}`, volume: "data", target: `made-${round}` }),
				{ signal },
			),
		after: (isAnswered) => scene.madeProblem(`made-${round}`, isAnswered),
	}),
];

class ArchiveScene implements AsyncDisposable {
	readonly daemon = new Daemon();

	static async open(): Promise<ArchiveScene> {
		const scene = new ArchiveScene();
		const { daemon } = scene;
		mkdirSync(scene.out("dated"), { recursive: true });
		await daemon.start();
		for (const name of ["data", "target"]) await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name }));
		for (let index = 0; index < FILES; index++)
			writeFileSync(join(daemon.content("data"), `file${index}`), "x".repeat(FILE_BYTES));
		writeFileSync(join(daemon.content("target"), "old"), "old");
		await backup(daemon, { volume: "data", path: scene.out("good") });
		await backup(daemon, { volume: "data", path: scene.out("good.zst"), compression: "COMPRESSION_ZSTD" });
		await backup(daemon, { volume: "target", path: scene.out("old") });
		return scene;
	}

	out(name: string): string {
		return join(this.daemon.root, "out", name);
	}

	backup(request: Partial<BackupVolumeRequest>, signal: AbortSignal) {
		return this.daemon.backups.backupVolume(BackupVolumeRequest.fromPartial({ volume: "data", ...request }), {
			signal,
		});
	}

	restore(volume: string, source: Source, signal: AbortSignal) {
		const value = { volume, path: this.out(source), create: true, replace: true };
		const messages = async function* () {
			yield RestoreVolumeRequest.fromPartial({ part: { $case: "spec", value } });
		};
		return this.daemon.backups.restoreVolume(messages(), { signal });
	}

	/** Whether it was answered, and what the moment did. volumed runs afterwards. */
	async endIn(operation: Operation, victim: Victim, lifeMs: number): Promise<[isAnswered: boolean, what: string]> {
		const abort = new AbortController();
		const running = drained(operation.run(abort.signal));
		await sleep(lifeMs);
		let what = `ended by the end of ${victim}`;
		if (victim === "volumed") await this.daemon.kill();
		else if (victim === "the caller") abort.abort();
		else if (!killCompressor(this.daemon.pid)) what = "no compressor was there";
		const isAnswered = await running;
		if (victim === "volumed") await this.daemon.start();
		return [isAnswered, isAnswered ? "done before" : what];
	}

	/** `old`, the whole new one, or what else is there. */
	contentOf(volume: string): string {
		const folder = this.daemon.content(volume);
		const names = readdirSync(folder);
		if (names.length === 1 && names[0] === "old") return "old";
		const isWhole = names.length === FILES && names.every((name) => statSync(join(folder, name)).size === FILE_BYTES);
		return isWhole ? "new" : `${names.length} files`;
	}

	madeProblem(volume: string, isAnswered: boolean): string | undefined {
		if (!exists(this.daemon.content(volume))) return isAnswered ? "it was answered and is not there" : undefined;
		const content = this.contentOf(volume);
		return content === "new" ? undefined : `the new volume has ${content}`;
	}

	/** What is not as it is to be; new archives and volumes are gone afterwards. */
	async amiss(): Promise<string[]> {
		await this.#settled();
		const problems = [...(await this.#archivesAmiss()), ...(await this.#removeMade())];
		return [...problems, ...(await this.#settled())];
	}

	/** Whoever has given up is answered before all of it is undone, or even begun. */
	async #settled(): Promise<string[]> {
		let left = await this.#left();
		for (let waited = 0; waited < PATIENCE_MS && left.length > 0; waited += STEP_MS) {
			await sleep(STEP_MS);
			left = await this.#left();
		}
		return left;
	}

	/** What should not be there. */
	async #left(): Promise<string[]> {
		const left = ["", "dated"].flatMap((folder) => partials(this.out(folder)));
		const names = await this.#volumes();
		const root = join(this.daemon.root, "volumes");
		left.push(...[".trash", ".lost+found"].flatMap((folder) => readdirSync(join(root, folder))));
		const folders = readdirSync(root).filter((name) => !name.startsWith("."));
		if (folders.join() !== names.join()) return [...left, `volumes ${names.join()}, directories ${folders.join()}`];
		const inside = names.flatMap((name) => readdirSync(join(root, name)).map((one) => `${name}/${one}`));
		return [...left, ...inside.filter((path) => !path.endsWith("/_data"))].map((path) => `${path} is left`);
	}

	async #archivesAmiss(): Promise<string[]> {
		const problems: string[] = [];
		for (const folder of ["", "dated"]) {
			for (const name of readdirSync(this.out(folder))) {
				if (name === "dated" || name.startsWith(".") || SOURCES.includes(name as Source)) continue;
				const path = this.out(join(folder, name));
				const problem = await this.#archiveProblem(path);
				if (problem !== undefined) problems.push(`${name}: ${problem}`);
				if (folder === "") rmSync(path);
			}
		}
		// The one that is too many goes with the next one.
		const count = readdirSync(this.out("dated")).length;
		return count > 3 ? [...problems, `${count} dated archives were kept`] : problems;
	}

	async #archiveProblem(path: string): Promise<string | undefined> {
		try {
			const result = await verify(this.daemon, { path });
			const isWhole = result !== undefined && result.manifestSha256 !== "" && result.entries === BigInt(FILES + 1);
			return isWhole ? undefined : "it is not whole";
		} catch (error) {
			return String(error);
		}
	}

	async #removeMade(): Promise<string[]> {
		const problems: string[] = [];
		for (const name of await this.#volumes()) {
			if (!name.startsWith("made-")) continue;
			const problem = await this.#removeProblem(name);
			if (problem !== undefined) problems.push(`${name} cannot be removed: ${problem}`);
		}
		return problems;
	}

	/** What made it may still be at its end, when its caller has gone. */
	async #removeProblem(name: string): Promise<string | undefined> {
		for (let waited = 0; ; waited += STEP_MS) {
			try {
				await this.daemon.volumes.deleteVolume(DeleteVolumeRequest.fromPartial({ name }));
				return undefined;
			} catch (error) {
				if (!isFault(error, "VOLUME_BUSY") || waited >= PATIENCE_MS) return String(error);
			}
			await sleep(STEP_MS);
		}
	}

	async #volumes(): Promise<string[]> {
		const { volumes } = await this.daemon.volumes.listVolumes(ListVolumesRequest.fromPartial({}));
		return volumes.map(({ name }) => name);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.daemon[Symbol.asyncDispose]();
	}
}

function pick<T>(random: Choices, items: readonly T[]): T {
	return items[random.below(items.length)] as T; // one of them
}

async function drained(answers: ReturnType<Operation["run"]>): Promise<boolean> {
	try {
		for await (const { part } of answers) if (part?.$case === "result") return true;
	} catch {
		// Which fault it is depends on the moment.
	}
	return false;
}

/** Of volumed's children one that compresses. */
function killCompressor(pid = 0): boolean {
	for (const task of readdirSync(`/proc/${pid}/task`)) {
		for (const child of readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean)) {
			try {
				if (!/^(zstd|gzip)$/m.test(readFileSync(`/proc/${child}/comm`, "utf8"))) continue;
				process.kill(Number(child), "SIGKILL");
				return true;
			} catch {
				// It has just ended.
			}
		}
	}
	return false;
}

function partials(folder: string): string[] {
	return readdirSync(folder).filter((name) => name.startsWith("."));
}

function exists(path: string): boolean {
	return statSync(path, { throwIfNoEntry: false }) !== undefined;
}
