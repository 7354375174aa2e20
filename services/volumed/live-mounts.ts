/** Mounts in processes that run: put in, taken out, and forgotten when their process has ended. */
import { randomBytes } from "node:crypto";
import { Undo } from "#lib/concurrency/undo.ts";
import { containerKey, type LiveMount, type MountSpec, type Party } from "./attachment.ts";
import { forget, isRunning } from "./ended-live-mounts.ts";
import { liveMountFact } from "./facts.ts";
import { volumeFaults } from "./faults.ts";
import { LiveMountRecords, type StoredLiveMount } from "./live-mount-records.ts";
import { type Answer, type Parts, told } from "./parts.ts";
import { resolve, viewOf } from "./resolve.ts";
import { type PlannedVolume, VolumePlan } from "./volume-plan.ts";
import { type StoredVolume, VolumeRecords } from "./volume-records.ts";
import type { Volumes } from "./volumes.ts";

export interface LiveMountSpec {
	readonly holder: string;
	readonly containerId: string;
	readonly containerName: string;
	readonly pid: number;
	readonly mount: MountSpec;
}

export class LiveMounts {
	readonly #parts: Parts;
	readonly #volumes: Volumes;
	readonly #records: LiveMountRecords;
	readonly #volumeRecords: VolumeRecords;

	constructor(parts: Parts, volumes: Volumes) {
		this.#parts = parts;
		this.#volumes = volumes;
		this.#records = new LiveMountRecords(parts.store);
		this.#volumeRecords = new VolumeRecords(parts.store);
	}

	/** Faults: as `MountInto` says; then nothing was changed. */
	mountInto(spec: LiveMountSpec, answer: Answer<LiveMount>, signal: AbortSignal): Promise<LiveMount> {
		const { turns } = this.#parts;
		const { source } = spec.mount;
		const names = source.kind === "volume" && source.name !== undefined ? [source.name] : [];
		// A container's turn comes before those of volumes: whoever has a volume's never asks for a container's.
		return turns.take([containerKey(spec)], () => turns.take(names, () => this.#mountInto(spec, answer, signal)));
	}

	async #mountInto(spec: LiveMountSpec, answer: Answer<LiveMount>, signal: AbortSignal): Promise<LiveMount> {
		await this.#refuseMounted(spec);
		const volumes = new VolumePlan(this.#parts, this.#volumes);
		const volume = await this.#plan(spec.mount, volumes);
		const process = await this.#parts.views.identify(spec.pid);
		if (process === undefined) throw volumeFaults.PROCESS_NOT_FOUND({ pid: String(spec.pid) });
		await using undo = new Undo({}, this.#parts.log);
		await volumes.make(undo, signal);
		const live = this.#liveMount(spec, process, volume);
		return await this.#carryOut({ live, spec: spec.mount, volumes }, undo, answer, signal);
	}

	/** One whose process has ended is forgotten. */
	async #refuseMounted({ holder, containerId, containerName, mount: { destination } }: LiveMountSpec): Promise<void> {
		const existing = this.#records.find(holder, containerId, destination);
		if (existing === undefined) return;
		if (!(await isRunning(this.#parts, existing))) return forget(this.#parts, existing);
		throw volumeFaults.ALREADY_MOUNTED({ destination, container: containerName || containerId.slice(0, 12) });
	}

	/** Gives false when nothing of ours was there. */
	unmountFrom({ holder, containerId }: Party, destination: string, answer: Answer<boolean>): Promise<boolean> {
		const { turns, store } = this.#parts;
		return turns.take([containerKey({ holder, containerId })], async () => {
			const live = this.#records.find(holder, containerId, destination);
			if (live === undefined) return told(store, false, answer);
			await this.#takeOut(live, () => answer(true));
			return true;
		});
	}

	/** A container's; under its turn. What its process has taken along is only forgotten. */
	async removeAll({ holder, containerId }: Party): Promise<void> {
		for (const live of this.#records.of(holder, containerId)) await this.#takeOut(live, () => []);
	}

	/** Those whose process has ended, or that nobody was answered about, go. Gives the number of those that could not. */
	async mend(): Promise<number> {
		let failures = 0;
		for (const live of this.#records.all()) {
			const mending = this.#parts.turns.take([containerKey(live)], async () => {
				const { holder, containerId, mount } = live;
				const now = this.#records.find(holder, containerId, mount.destination);
				if (now?.id !== live.id || (now.state === "ACTIVE" && (await isRunning(this.#parts, now)))) return;
				await this.#takeOut(now, () => []);
			});
			await mending.catch((error: unknown) => {
				failures += 1;
				this.#parts.log.warn("a mount in a process could not be mended", { id: live.id, err: error });
			});
		}
		return failures;
	}

	async #plan({ source }: MountSpec, volumes: VolumePlan): Promise<PlannedVolume | undefined> {
		switch (source.kind) {
			case "volume":
				return volumes.add(source);
			case "bind":
				if (await this.#parts.host.exists(source.path)) return undefined;
				throw volumeFaults.SOURCE_NOT_FOUND({ path: source.path }, { field: "mount" });
			case "tmpfs":
				throw volumeFaults.INVALID_OPTION(
					{ option: "The mount", value: "tmpfs", allowed: "a volume or a bind" },
					{ field: "mount" },
				);
		}
	}

	#liveMount(
		{ mount, holder, containerId, containerName }: LiveMountSpec,
		process: LiveMount["process"],
		planned: PlannedVolume | undefined,
	): LiveMount {
		const origin = this.#parts.mounting.originOf(mount.source, planned?.volume);
		const id = randomBytes(32).toString("hex");
		return { id, holder, containerId, containerName, process, mount: resolve(mount, origin, origin.path) };
	}

	async #carryOut(
		{
			live,
			spec,
			volumes,
		}: {
			readonly live: LiveMount;
			readonly spec: MountSpec;
			readonly volumes: VolumePlan;
		},
		undo: Undo,
		answer: Answer<LiveMount>,
		signal: AbortSignal,
	): Promise<LiveMount> {
		const { store, mounting, views, now } = this.#parts;
		const { process, mount } = live;
		await volumes.persist();
		const volume = volumes.all[0];
		let view = viewOf(spec, mount.origin);
		undo.defer(async () => {
			await views.unmountFrom(process, view, mount.destination);
			await store.write([this.#records.delete(live.id)]);
			if (volume !== undefined) await mounting.settle(volume);
		});
		await store.intend([this.#records.insert(live, now())], "volumed.live-mount.creating");
		await using hold = volume && (await mounting.hold(volume, signal));
		view = viewOf(spec, hold?.path ?? mount.origin);
		const mark = await views.mountInto(process, view, mount.destination);
		const done = [...volumes.used(), this.#records.activate(live.id, mark), liveMountFact("ACTION_MOUNTED", live)];
		await store.write([...done, ...answer(live)], "volumed.live-mount.active");
		undo.done();
		return live;
	}

	async #takeOut(live: StoredLiveMount, answer: Answer<void>): Promise<void> {
		const { store, views, mounting } = this.#parts;
		const { id, process, mount, mark } = live;
		await store.intend([this.#records.setState(id, "DELETING")], "volumed.live-mount.deleting");
		const volume = this.#volumeOf(live);
		const origin = volume === undefined ? mount.origin : mounting.mountpoint(volume);
		await views.unmountFrom(process, { origin, subpath: mount.view?.subpath ?? "" }, mount.destination, mark);
		const rows = [this.#records.delete(id), liveMountFact("ACTION_UNMOUNTED", live)];
		await store.write([...rows, ...answer()], "volumed.live-mount.deleted");
		if (volume !== undefined) await mounting.settle(volume);
	}

	#volumeOf({ mount }: LiveMount): StoredVolume | undefined {
		return mount.volume === "" ? undefined : this.#volumeRecords.find(mount.volume);
	}
}
