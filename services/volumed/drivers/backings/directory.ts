/** A plain directory: as large as the disk. */
import type { Disk } from "../../kernel/disk.ts";
import type { Backing, Place } from "./backing.ts";

export class DirectoryBacking implements Backing {
	readonly #disk: Disk;

	constructor(disk: Disk) {
		this.#disk = disk;
	}

	create({ name }: Place): Promise<void> {
		return this.#disk.ensure(name);
	}

	async release(): Promise<void> {
		// All of it is in the folder.
	}

	async enforcedBy(): Promise<undefined> {
		return undefined;
	}
}
