/**
 * Volumes whose content has to be mounted are mounted while somebody uses them: an active attachment, a publication, a mount in a
 * running process (the store says so), or an operation of this process (a hold).
 *
 * Whoever will use a volume stores that first and then holds it; whoever has ended stores that and then settles it. So what a crash
 * leaves mounted or unmounted is put right by settling every volume again.
 */
import { Turns } from "#lib/concurrency/turns.ts";
import type { Statement, Store } from "#lib/store/store.ts";
import type { Driver } from "./drivers/driver.ts";
import type { Drivers } from "./drivers/drivers.ts";
import type { MountSource } from "./attachment.ts";
import type { Origin } from "./resolve.ts";
import { Uses } from "./uses.ts";
import type { Volume } from "./volume.ts";

/** The content is at `path` until it is disposed. */
export interface Hold extends AsyncDisposable {
	readonly path: string;
}

export class Mounting {
	readonly #store: Store;
	readonly #drivers: Drivers;
	readonly #uses: Uses;
	/** Apart from those of the volumes' names: who has the turn of a name asks for its mount. */
	readonly #turns = new Turns();
	readonly #holds = new Map<string, number>();

	constructor(store: Store, drivers: Drivers) {
		this.#store = store;
		this.#drivers = drivers;
		this.#uses = new Uses(store);
	}

	needsMount(volume: Volume): boolean {
		return this.#driver(volume).needsMount(volume);
	}

	/** Where the content is while it can be used. */
	mountpoint(volume: Volume): string {
		return this.#driver(volume).mountpoint(volume) ?? volume.mountpoint;
	}

	/** Where what is mounted is: of a volume its content, of a bind its path. */
	originOf(source: MountSource, volume: Volume | undefined): Origin {
		if (volume !== undefined) return { path: this.mountpoint(volume), volume: volume.name, driver: volume.driver };
		return { path: source.kind === "bind" ? source.path : "", volume: "", driver: "" };
	}

	/** Mounts it where that is needed. Faults: MOUNT_FAILED, DRIVER_FAILED, KERNEL_REFUSED. */
	async hold(volume: Volume, signal: AbortSignal): Promise<Hold> {
		const driver = this.#driver(volume);
		if (!driver.needsMount(volume))
			return { path: this.mountpoint(volume), [Symbol.asyncDispose]: async () => undefined };
		const { name } = volume;
		const path = await this.#turns.take([name], async () => {
			this.#holds.set(name, (this.#holds.get(name) ?? 0) + 1);
			try {
				return await this.#mount(driver, volume, signal);
			} catch (error) {
				this.#release(name);
				throw error;
			}
		});
		const release = async (): Promise<void> => {
			this.#release(name);
			await this.settle(volume);
		};
		return { path, [Symbol.asyncDispose]: release };
	}

	/** Unmounts it when nobody uses it any more. */
	async settle(volume: Volume): Promise<void> {
		const driver = this.#driver(volume);
		if (!driver.needsMount(volume)) return;
		const { name } = volume;
		await this.#turns.take([name], async () => {
			if (this.#holds.has(name) || this.#uses.areMounted(name)) return;
			await driver.unmount(volume);
		});
	}

	/** What the store says is made true of the mount, whatever was there: after a crash, a reboot, or somebody's `umount`. */
	async mend(volume: Volume, signal: AbortSignal): Promise<void> {
		const driver = this.#driver(volume);
		if (!driver.needsMount(volume)) return;
		const { name } = volume;
		await this.#turns.take([name], async () => {
			const isWanted = this.#holds.has(name) || this.#uses.areMounted(name);
			if ((await driver.isMounted(volume)) === isWanted) return;
			await (isWanted ? this.#mount(driver, volume, signal) : driver.unmount(volume));
		});
	}

	async #mount(driver: Driver, volume: Volume, signal: AbortSignal): Promise<string> {
		// A plugin says only now where it is; it may be away when that has to be known again.
		const known = driver.mountpoint(volume);
		const path = await driver.mount(volume, signal);
		if (path !== known && path !== volume.mountpoint) {
			await this.#store.intend([placed(volume.name, path)], "volumed.volume.placed");
		}
		return path;
	}

	#release(name: string): void {
		const left = (this.#holds.get(name) ?? 0) - 1;
		if (left > 0) this.#holds.set(name, left);
		else this.#holds.delete(name);
	}

	#driver(volume: Volume): Driver {
		return this.#drivers.get(volume.driver);
	}
}

function placed(name: string, path: string): Statement {
	return { sql: "UPDATE volume SET mountpoint = ? WHERE name = ?", params: [path, name], changes: 1 };
}
