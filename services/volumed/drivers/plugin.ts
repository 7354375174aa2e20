/**
 * External drivers that speak Docker's volume plugin protocol (docs/extend/plugins_volume.md of docker/cli).
 *
 * A plugin is trusted with its volumes and with nothing else: what it answers is checked, every call is bounded, and each of its failures
 * is DRIVER_FAILED with its own words.
 */
import { createHash } from "node:crypto";
import { isAbsolute, resolve } from "node:path";
import type { Fault } from "#lib/fault/fault.ts";
import { findMount } from "#lib/linux/mount/mountinfo.ts";
import { volumeFaults } from "../faults.ts";
import type { Driver, DriverVolume, Home } from "./driver.ts";
import { asSeen } from "./mountpoint.ts";
import { type Answer, DOCKER_LIMITS, PluginClient, type PluginLimits, PluginRefusal } from "./plugin-client.ts";
import { DOCKER_FOLDERS, findPlugin, type PluginFolders, pluginNames } from "./plugin-lookup.ts";
import { flattened } from "./plugin-status.ts";
import { probeDirectory } from "./probe.ts";
import { lineOf } from "./words.ts";

const BACKING = "plugin";
const IMPLEMENTS = "VolumeDriver";
const BUILT_IN = ["local", "sshfs"];

export interface PluginOptions {
	readonly folders?: PluginFolders;
	readonly limits?: PluginLimits;
	/** Distinguishes this wharf from another one on the same host: a plugin counts who has a volume mounted. */
	readonly instance?: string;
}

interface Placed {
	readonly path: string;
	/** Of its directory when it was mounted. */
	readonly identity: string;
}

export class PluginDriver implements Driver {
	readonly name: string;
	readonly canRename = false;
	readonly #folders: PluginFolders;
	readonly #limits: PluginLimits;
	readonly #instance: string;
	readonly #client: PluginClient;
	/** What this process had mounted; of what is older the kernel and the plugin are asked. */
	readonly #placed = new Map<string, Placed>();
	/** What this process had unmounted since: who counts its users is not to count one off twice. */
	readonly #released = new Set<string>();
	#isActivated = false;

	constructor(name: string, { folders = DOCKER_FOLDERS, limits = DOCKER_LIMITS, instance = "" }: PluginOptions = {}) {
		this.name = name;
		this.#folders = folders;
		this.#limits = limits;
		this.#instance = instance;
		this.#client = new PluginClient(name, () => findPlugin(name, folders), limits.retryMs);
	}

	/** Its options are the plugin's own and judged by it. Faults: UNKNOWN_DRIVER, DRIVER_FAILED. */
	async plan(): Promise<string> {
		if ((await findPlugin(this.name, this.#folders)) === undefined) {
			const known = [...BUILT_IN, ...(await pluginNames(this.#folders))].join(", ");
			throw volumeFaults.UNKNOWN_DRIVER({ driver: this.name, known }, { field: "driver" });
		}
		await this.#activate();
		return BACKING;
	}

	needsMount(): boolean {
		return true;
	}

	/** What else shows it is the plugin's own business. */
	home(): Home {
		return "volume";
	}

	async create(volume: DriverVolume, signal: AbortSignal): Promise<void> {
		if ((await this.#find(volume, signal)) !== undefined) return;
		const body = { Name: volume.name, Opts: Object.fromEntries(volume.options) };
		await this.#insist("Create", body, this.#limits.longMs, signal);
	}

	async remove(volume: DriverVolume): Promise<void> {
		try {
			await this.#ask("Remove", { Name: volume.name }, this.#limits.shortMs);
		} catch (error) {
			if (!(error instanceof PluginRefusal)) throw error;
			if (await this.#isListed(volume.name)) throw error.fault;
		}
		this.#placed.delete(volume.name);
		this.#released.delete(volume.name);
	}

	async mount(volume: DriverVolume, signal: AbortSignal): Promise<string> {
		const before = this.#placed.get(volume.name);
		// Asked twice, some plugins count two users.
		if (before !== undefined && (await this.#isAt(before.path, before.identity))) return before.path;
		const body = { Name: volume.name, ID: this.#idOf(volume) };
		this.#released.delete(volume.name);
		const answer = await this.#insist("Mount", body, this.#limits.longMs, signal);
		try {
			const placed = await this.#place(answer["Mountpoint"]);
			this.#placed.set(volume.name, placed);
			return placed.path;
		} catch (error) {
			await this.#ask("Unmount", body, this.#limits.shortMs).catch(() => undefined);
			throw error;
		}
	}

	async unmount(volume: DriverVolume): Promise<void> {
		const placed = this.#placed.get(volume.name);
		if (placed === undefined && this.#released.has(volume.name)) return;
		this.#placed.delete(volume.name);
		try {
			await this.#ask("Unmount", { Name: volume.name, ID: this.#idOf(volume) }, this.#limits.shortMs);
		} catch (error) {
			if (!(error instanceof PluginRefusal)) throw error;
			// It may only say that there is nothing to unmount.
			const path = placed?.path ?? mountpointIn(await this.#find(volume));
			if (path !== undefined && (await isMountTarget(path))) throw error.fault;
		}
		this.#released.add(volume.name);
	}

	mountpoint(volume: DriverVolume): string | undefined {
		return this.#placed.get(volume.name)?.path;
	}

	/**
	 * What this process had mounted: its directory is the same as then, and answers. What is older: the plugin names a place, and the
	 * kernel has a mount there; a plugin that mounts nothing is asked for it again.
	 */
	async isMounted(volume: DriverVolume): Promise<boolean> {
		const placed = this.#placed.get(volume.name);
		if (placed !== undefined) return this.#isAt(placed.path, placed.identity);
		const path = mountpointIn(await this.#find(volume));
		if (path === undefined || !(await isMountTarget(path))) return false;
		const probe = await probeDirectory(path);
		if (probe.kind !== "directory") return false;
		this.#placed.set(volume.name, { path, identity: probe.identity });
		return true;
	}

	/** The plugin's Status, flattened, and `scope`. */
	async status(volume: DriverVolume): Promise<ReadonlyMap<string, string>> {
		const [found, scope] = await Promise.all([
			this.#insist("Get", { Name: volume.name }, this.#limits.shortMs),
			this.#scope(),
		]);
		const { Status: status } = volumeIn(found) ?? {};
		return new Map([...flattened(status), ["scope", scope]]);
	}

	async #isAt(path: string, identity: string): Promise<boolean> {
		const probe = await probeDirectory(path);
		return probe.kind === "directory" && probe.identity === identity;
	}

	async #place(mountpoint: unknown): Promise<Placed> {
		const lie = (problem: string): Fault => this.#failed("Mount", problem);
		if (typeof mountpoint !== "string" || mountpoint === "") throw lie("it did not say where the volume is");
		const said = `it says that the volume is at ${JSON.stringify(mountpoint.slice(0, 200))}`;
		const path = resolve(mountpoint);
		if (!isAbsolute(mountpoint) || mountpoint.includes("\0")) throw lie(`${said}, which is no absolute path`);
		if (path === "/") throw lie(`${said}, which is all of this host`);
		const probe = await probeDirectory(path);
		if (probe.kind === "silent") throw lie(`${said}, which does not answer`);
		if (probe.kind === "refused") throw lie(`${said}, which is no directory: ${probe.problem}`);
		return { path, identity: probe.identity };
	}

	/** What the plugin has of the volume; undefined when it says that there is none. */
	async #find({ name }: DriverVolume, signal?: AbortSignal): Promise<Answer | undefined> {
		try {
			const found = volumeIn(await this.#ask("Get", { Name: name }, this.#limits.shortMs, signal));
			if (found === undefined) return undefined;
			const { Name: other = name, Mountpoint: path = "" } = found;
			if (other !== name) throw this.#failed("Get", "it answers with another volume");
			if (path !== null && typeof path !== "string") throw this.#failed("Get", "its Mountpoint is no text");
			return found;
		} catch (error) {
			if (error instanceof PluginRefusal) return undefined;
			throw error;
		}
	}

	/** True too when it cannot say: what is not known to be gone is not. */
	async #isListed(name: string): Promise<boolean> {
		try {
			const { Volumes: volumes } = await this.#ask("List", {}, this.#limits.shortMs);
			if (volumes !== null && volumes !== undefined && !Array.isArray(volumes)) return true;
			return (volumes ?? []).some((one: unknown) => Object(one).Name === name);
		} catch (error) {
			if (error instanceof PluginRefusal) return true;
			throw error;
		}
	}

	/** Optional in the protocol: a plugin that does not know is a local one. */
	async #scope(): Promise<string> {
		try {
			const { Capabilities: capabilities } = await this.#ask("Capabilities", {}, this.#limits.shortMs);
			const { Scope: scope } = Object(capabilities) as { Scope?: unknown };
			return typeof scope === "string" && scope.toLowerCase() === "global" ? "global" : "local";
		} catch (error) {
			if (error instanceof PluginRefusal) return "local";
			throw error;
		}
	}

	/** As `ask`, and a refusal is a fault. */
	async #insist(method: string, body: Answer, timeoutMs: number, signal?: AbortSignal): Promise<Answer> {
		try {
			return await this.#ask(method, body, timeoutMs, signal);
		} catch (error) {
			throw error instanceof PluginRefusal ? error.fault : error;
		}
	}

	async #ask(method: string, body: Answer, timeoutMs: number, signal?: AbortSignal): Promise<Answer> {
		if (!this.#isActivated) await this.#activate(signal);
		return this.#client.call({ method: `${IMPLEMENTS}.${method}`, body, timeoutMs, signal });
	}

	async #activate(signal?: AbortSignal): Promise<void> {
		try {
			const { shortMs: timeoutMs } = this.#limits;
			const { Implements: kinds } = await this.#client.call({ method: "Plugin.Activate", timeoutMs, signal });
			if (!Array.isArray(kinds)) throw this.#failed("Plugin.Activate", "it does not say what it implements");
			if (!kinds.includes(IMPLEMENTS)) {
				const other = kinds.filter((kind) => typeof kind === "string").join(", ");
				throw this.#failed("Plugin.Activate", `it is no ${IMPLEMENTS} but: ${lineOf(other)}`);
			}
			this.#isActivated = true;
		} catch (error) {
			throw error instanceof PluginRefusal ? error.fault : error;
		}
	}

	#failed(act: string, problem: string): Fault {
		return volumeFaults.DRIVER_FAILED({ driver: this.name, act, problem });
	}

	/** The same for as long as there are volume and instance: a call that is repeated after a crash is known again. */
	#idOf({ name }: DriverVolume): string {
		return createHash("sha256").update(`wharf\0${this.#instance}\0${this.name}\0${name}`).digest("hex");
	}
}

function volumeIn(answer: Answer): Answer | undefined {
	const { Volume: volume } = answer;
	return typeof volume === "object" && volume !== null && !Array.isArray(volume) ? (volume as Answer) : undefined;
}

function mountpointIn(volume: Answer | undefined): string | undefined {
	const path = volume?.["Mountpoint"];
	return typeof path === "string" && isAbsolute(path) ? resolve(path) : undefined;
}

/** Something is mounted there. It itself is not touched: it may be dead. */
async function isMountTarget(path: string): Promise<boolean> {
	return findMount((await asSeen(path).catch(() => undefined)) ?? path) !== undefined;
}
