/** The disk in memory, for use cases: strict where the kernel would only be sad. It passes `disk.contract.ts` as the real one does. */
import { volumeFaults } from "../faults.ts";
import type { Disk, Host, Image, Observed } from "../kernel/disk.ts";

interface Place {
	readonly identity: string;
	/** Names of what is in it. */
	readonly content: Set<string>;
}

interface Folder {
	data: Place | undefined;
	readonly stages: Map<string, Place>;
}

export class ModelDisk implements Disk {
	/** Directories of images by their path; what is in each. */
	readonly images = new Map<string, readonly string[]>();
	/** Thrown by the next call of this name, once. */
	readonly failures = new Map<keyof Disk, Error>();
	readonly setAsideNames: string[] = [];
	readonly #folders = new Map<string, Folder>();
	#made = 0;

	mountpoint(name: string): string {
		return `/volumes/${name}/_data`;
	}

	async ensure(name: string): Promise<void> {
		this.#fail("ensure");
		this.#folder(name).data ??= this.#place();
	}

	async remove(name: string): Promise<void> {
		this.#fail("remove");
		this.#folders.delete(name);
	}

	async hasData(name: string): Promise<boolean> {
		return this.#folders.get(name)?.data !== undefined;
	}

	async isEmpty(name: string): Promise<boolean> {
		const data = this.#folders.get(name)?.data;
		if (data === undefined) throw new Error(`no content of ${name} to look into`);
		return data.content.size === 0;
	}

	async observe(): Promise<Observed[]> {
		return [...this.#folders].map(([name, { data, stages }]) => {
			return { name, hasData: data !== undefined, stages: [...stages.keys()] };
		});
	}

	async setAside(name: string): Promise<string> {
		if (!this.#folders.delete(name)) throw new Error(`${name} is not there to be set aside`);
		this.setAsideNames.push(name);
		return `/volumes/.lost+found/${name}`;
	}

	async stage(name: string, id: string): Promise<string> {
		this.#fail("stage");
		const { stages } = this.#folder(name);
		if (stages.has(id)) throw new Error(`the stage ${id} of ${name} is there already`);
		stages.set(id, this.#place());
		return `/volumes/${name}/_data.new-${id}`;
	}

	async fill(name: string, id: string, { root, path }: Image): Promise<boolean> {
		this.#fail("fill");
		const found = this.images.get(`${root}${path}`);
		for (const entry of found ?? []) this.#stage(name, id).content.add(entry);
		return found !== undefined;
	}

	async commit(name: string, id: string): Promise<void> {
		this.#fail("commit");
		const folder = this.#folder(name);
		const stage = folder.stages.get(id);
		if (stage === undefined)
			throw volumeFaults.KERNEL_REFUSED({ what: "commit", problem: `no stage ${id} of ${name}` });
		folder.data = stage;
		folder.stages.delete(id);
	}

	async discard(name: string, id: string): Promise<void> {
		this.#folders.get(name)?.stages.delete(id);
	}

	async identity(name: string, id?: string): Promise<string | undefined> {
		const folder = this.#folders.get(name);
		return (id === undefined ? folder?.data : folder?.stages.get(id))?.identity;
	}

	async sweep(): Promise<void> {}

	/** What is in the volume; a container's doing when something is added. */
	content(name: string): Set<string> {
		const data = this.#folders.get(name)?.data;
		if (data === undefined) throw new Error(`${name} has no content`);
		return data.content;
	}

	#folder(name: string): Folder {
		const folder = this.#folders.get(name) ?? { data: undefined, stages: new Map() };
		this.#folders.set(name, folder);
		return folder;
	}

	#stage(name: string, id: string): Place {
		const stage = this.#folders.get(name)?.stages.get(id);
		if (stage === undefined) throw new Error(`no stage ${id} of ${name}`);
		return stage;
	}

	#place(): Place {
		this.#made += 1;
		return { identity: String(this.#made), content: new Set() };
	}

	#fail(call: keyof Disk): void {
		const error = this.failures.get(call);
		this.failures.delete(call);
		if (error !== undefined) throw error;
	}
}

export class ModelHost implements Host {
	readonly paths = new Set(["/"]);

	async exists(path: string): Promise<boolean> {
		return this.paths.has(path);
	}

	async makeDirectory(path: string): Promise<string[]> {
		const parts = path.split("/").slice(1);
		const all = parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
		const made = all.filter((one) => !this.paths.has(one));
		for (const one of made) this.paths.add(one);
		return made;
	}

	async unmake(made: readonly string[]): Promise<void> {
		for (const path of made) this.paths.delete(path);
	}
}
