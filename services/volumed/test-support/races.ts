/**
 * Views are made while somebody exchanges the directories on their way with links that lead out: of the volume's part, of the
 * destination inside a container, of the path that is published at. Nothing but the volume may ever be seen, and nothing be left.
 */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { isFault } from "#lib/fault/fault.ts";
import { unmount } from "#lib/linux/mount/mount.ts";
import { type Mount, mountinfo } from "#lib/linux/mount/mountinfo.ts";
import type { MountsProcess } from "#lib/linux/test-support/mounts-process.ts";
import type { LinuxViews } from "../kernel/linux-views.ts";
import type { View } from "../kernel/views.ts";
import type { SwapperData } from "./swapper.ts";
import { ViewsScene } from "./views-scene.ts";

const SWAPPER = new URL("./swapper.ts", import.meta.url);
/** Whoever resolves a path while it is swapped all the time gets there within so many tries. */
const TRIES = 2_000;
const VOLUME = "volume";
const ROUNDS_TO_A_LINE = 1_000;

export interface Race {
	readonly rounds: number;
	/** Says what is tried in which order. */
	readonly seed: number;
	readonly say?: (line: string) => void;
	readonly interrupted?: AbortSignal;
}

export interface RaceResult {
	/** What was amiss, a line each. */
	readonly problems: readonly string[];
	/** How often something was shown, and refused, by what was asked. */
	readonly outcomes: Readonly<Record<string, number>>;
	readonly swaps: number;
}

/** In the mount namespace of this process, which is better not the machine's. */
export async function race({ rounds, seed, say = () => undefined, interrupted }: Race): Promise<RaceResult> {
	await using arena = await Arena.open();
	let state = seed;
	const below = (end: number): number => {
		// The linear congruence of POSIX's rand; its upper bits are good enough to choose by.
		state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
		return (state >>> 16) % end;
	};
	for (let round = 0; round < rounds; round++) {
		if (interrupted?.aborted === true) break;
		const part = ["way/target", "leaf"][below(2)] ?? "";
		const act = below(3);
		if (act === 0) await arena.prepare(round, part);
		else if (act === 1) await arena.mountInto(part, ["/srv/way/data", "/srv/leaf"][below(2)] ?? "");
		else await arena.publish(part);
		if ((round + 1) % ROUNDS_TO_A_LINE === 0) say(`  ${round + 1} rounds, ${arena.swaps} swaps`);
	}
	await arena.end();
	return { problems: arena.problems, outcomes: Object.fromEntries(arena.outcomes), swaps: arena.swaps };
}

class Arena implements AsyncDisposable {
	readonly problems: string[] = [];
	readonly outcomes = new Map<string, number>();
	readonly #scene: ViewsScene;
	readonly #views: LinuxViews;
	readonly #container: MountsProcess;
	readonly #atRest: readonly string[];
	readonly #inContainer: number;
	readonly #counters = new Int32Array(new SharedArrayBuffer(8));
	readonly #swapper: Worker;

	private constructor(scene: ViewsScene, views: LinuxViews, container: MountsProcess) {
		this.#scene = scene;
		this.#views = views;
		this.#container = container;
		this.#atRest = scene.all;
		this.#inContainer = mountinfo(container.pid).length;
		const workerData: SwapperData = { pairs: plant(scene), counters: this.#counters };
		this.#swapper = new Worker(SWAPPER, { workerData, execArgv: [] });
		this.#swapper.on("error", (error) => this.problems.push(`the swapper ended: ${String(error)}`));
	}

	static async open(): Promise<Arena> {
		const scene = new ViewsScene();
		return new Arena(scene, await scene.views(), await scene.container());
	}

	get swaps(): number {
		return Atomics.load(this.#counters, 1);
	}

	async prepare(round: number, subpath: string): Promise<void> {
		const id = `race/${round}`;
		const shown = await this.#try("prepare", ["SUBPATH_REFUSED"], () => this.#views.prepare(id, this.#view(subpath)));
		if (shown) this.#judge(`a view of ${subpath}`, readFileSync(join(this.#views.preparedPath(id), "file"), "utf8"));
		await this.#views.discard(id);
		this.#quiet(`a view of ${subpath}`);
	}

	async mountInto(subpath: string, destination: string): Promise<void> {
		const { identity, pid } = this.#container;
		const view = this.#view(subpath);
		const refusals = ["SUBPATH_REFUSED", "DESTINATION_UNFIT"];
		const shown = await this.#try("mountInto", refusals, () => this.#views.mountInto(identity, view, destination));
		const added = (): Mount[] => mountinfo(pid).slice(this.#inContainer);
		this.#expectOne(`${destination} in the container`, shown, added());
		this.#quiet(`a mount at ${destination}`);
		await this.#until(
			destination,
			() => added().length === 0,
			() => this.#views.unmountFrom(identity, view, destination),
		);
	}

	async publish(subpath: string): Promise<void> {
		const path = this.#scene.at("host/leaf");
		const view = this.#view(subpath);
		const refusals = ["SUBPATH_REFUSED", "INVALID_PATH"];
		const shown = await this.#try("publish", refusals, () => this.#views.publish(path, view));
		// A mount lies on the directory, which had either name when it came.
		const added = (): Mount[] =>
			mountinfo()
				.filter(({ target }) => target.startsWith(this.#scene.base))
				.slice(this.#atRest.length);
		this.#expectOne(path, shown, added());
		for (const { target } of added()) {
			if (target === path) continue;
			if (target !== `${path}-link`) this.problems.push(`${target} was mounted on, and not ${path}`);
			// Nobody can rename it back while it is mounted on, so nobody finds it at the path any more.
			unmount(target, { detach: true });
		}
		await this.#until(
			path,
			() => added().length === 0,
			() => this.#views.unpublish(path, view, false),
		);
	}

	/** Stops the swapping, and says what was never tried or is left anywhere. */
	async end(): Promise<void> {
		await this.#stop();
		this.#quiet("everything");
		for (const name of ["secret/target", "elsewhere"]) {
			const names = readdirSync(this.#scene.at(name)).filter((found) => found !== "file");
			if (names.length > 0) this.problems.push(`${names.join(", ")} in ${name}`);
		}
		const left = readdirSync(this.#scene.at("own/mounts"));
		if (left.length > 0) this.problems.push(`${left.join(", ")} among the prepared views`);
	}

	async #try(what: string, refusals: readonly string[], body: () => Promise<unknown>): Promise<boolean> {
		const count = (outcome: string): void => {
			this.outcomes.set(`${what}: ${outcome}`, (this.outcomes.get(`${what}: ${outcome}`) ?? 0) + 1);
		};
		try {
			await body();
			count("shown");
			return true;
		} catch (error) {
			if (isFault(error) && refusals.includes(error.reason)) count(error.reason);
			else this.problems.push(`${what}: ${String(error)}`);
			return false;
		}
	}

	#expectOne(where: string, shown: boolean, mounts: readonly Mount[]): void {
		if (mounts.length !== (shown ? 1 : 0)) this.problems.push(`${mounts.length} mounts at ${where}, shown: ${shown}`);
		for (const { root } of mounts) {
			if (!root.startsWith("/origin/")) this.problems.push(`${root} is seen at ${where}`);
		}
	}

	#judge(where: string, content: string): void {
		if (content !== VOLUME) this.problems.push(`${where} shows ${JSON.stringify(content)}`);
	}

	/** Nothing of it is seen on this host. */
	#quiet(after: string): void {
		const strange = this.#scene.all.filter((mount) => !this.#atRest.includes(mount));
		if (strange.length > 0) this.problems.push(`after ${after}: ${strange.join("; ")}`);
	}

	async #until(where: string, isGone: () => boolean, body: () => Promise<void>): Promise<void> {
		for (let left = TRIES; left > 0 && !isGone(); left--) await body();
		if (!isGone()) this.problems.push(`what was mounted at ${where} does not go`);
	}

	#view(subpath: string): View {
		return { ...this.#scene.view, subpath, readOnly: true };
	}

	async #stop(): Promise<void> {
		Atomics.store(this.#counters, 0, 1);
		if (this.#swapper.threadId !== -1) await once(this.#swapper, "exit");
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#stop();
		await this.#scene[Symbol.asyncDispose]();
	}
}

/** Directories and the links that they are swapped with. */
function plant(scene: ViewsScene): SwapperData["pairs"] {
	const at = (name: string): string => scene.at(name);
	for (const name of [
		"origin/way/target",
		"origin/leaf",
		"secret/target",
		"elsewhere",
		"root/srv/way",
		"root/srv/leaf",
		"host/leaf",
	]) {
		mkdirSync(at(name), { recursive: true });
	}
	for (const name of ["origin/way/target", "origin/leaf"]) writeFileSync(join(at(name), "file"), VOLUME);
	writeFileSync(at("secret/target/file"), "secret");
	const links: readonly (readonly [string, string])[] = [
		["origin/way", at("secret")],
		["origin/leaf", "../secret/target"],
		["root/srv/way", `../../../../../../../..${at("elsewhere")}`],
		["root/srv/leaf", at("elsewhere")],
		["host/leaf", at("elsewhere")],
	];
	return links.map(([name, target]) => {
		symlinkSync(target, at(`${name}-link`));
		return [at(name), at(`${name}-link`)] as const;
	});
}
