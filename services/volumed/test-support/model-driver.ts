/** A driver in memory, for use cases: strict about the order of its calls. A volume with options has to be mounted. */
import type { Driver, DriverVolume, Home } from "../drivers/driver.ts";
import { volumeFaults } from "../faults.ts";
import type { Disk } from "../kernel/disk.ts";

type Call = "create" | "remove" | "mount" | "unmount" | "status" | "isMounted";

export class ModelDriver implements Driver {
	readonly name: string;
	readonly canRename: boolean;
	/** Names of the volumes that are mounted. */
	readonly mounted = new Set<string>();
	/** Thrown by the next call of this name, once. */
	readonly failures = new Map<Call, Error>();
	/** Until it resolves, nobody is told of a volume. */
	silence: Promise<unknown> | undefined;
	readonly #disk: Disk;

	constructor(name: string, disk: Disk) {
		this.name = name;
		this.canRename = name === "local";
		this.#disk = disk;
	}

	async plan(options: ReadonlyMap<string, string>): Promise<string> {
		for (const option of options.keys()) {
			if (option !== "type")
				throw volumeFaults.UNKNOWN_OPTION({ driver: this.name, option, nearest: "", known: "type" });
		}
		return options.size === 0 ? "directory" : "mount";
	}

	needsMount({ backing }: DriverVolume): boolean {
		return backing === "mount";
	}

	home({ options }: DriverVolume): Home {
		return options.get("type") === "tmpfs" ? "memory" : options.size > 0 ? "options" : "volume";
	}

	async create({ name }: DriverVolume): Promise<void> {
		this.#fail("create");
		await this.#disk.ensure(name);
	}

	async remove({ name }: DriverVolume): Promise<void> {
		this.#fail("remove");
		if (this.mounted.has(name)) throw new Error(`${name} is removed while it is mounted`);
		await this.#disk.remove(name);
	}

	async mount(volume: DriverVolume): Promise<string> {
		this.#fail("mount");
		if (!(await this.#disk.hasData(volume.name))) throw new Error(`${volume.name} is mounted and not there`);
		this.mounted.add(volume.name);
		return this.mountpoint(volume);
	}

	async unmount({ name }: DriverVolume): Promise<void> {
		this.#fail("unmount");
		this.mounted.delete(name);
	}

	mountpoint({ name }: DriverVolume): string {
		return this.#disk.mountpoint(name);
	}

	async isMounted({ name }: DriverVolume): Promise<boolean> {
		this.#fail("isMounted");
		return this.mounted.has(name);
	}

	async status(): Promise<ReadonlyMap<string, string>> {
		this.#fail("status");
		await this.silence;
		return new Map();
	}

	#fail(call: Call): void {
		const error = this.failures.get(call);
		this.failures.delete(call);
		if (error !== undefined) throw error;
	}
}
