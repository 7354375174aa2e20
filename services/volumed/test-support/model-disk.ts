/** The disk in memory, for use cases: strict where the kernel would only be sad. It passes `disk.contract.ts` as the real one does. */
import { volumeFaults } from "../faults.ts";
import type { Disk, Found, Host, Image, Observed } from "../kernel/disk.ts";
import { ModelInnerStages } from "./model-inner-stages.ts";

interface Place {
	readonly identity: string;
	/** Names of what is in it. */
	readonly content: Set<string>;
	/** The image's directory whose owner and mode it has. */
	like?: string;
}

interface Folder {
	data: Place | undefined;
	readonly stages: Map<string, Place>;
}

export class ModelDisk implements Disk {
	/** Directories of images by their path; what is in each. */
	readonly images = new Map<string, readonly string[]>();
	/** Files of images by their path. */
	readonly imageFiles = new Set<string>();
	/** Thrown by the next call of this name, once. */
	readonly failures = new Map<keyof Disk, Error>();
	readonly setAsideNames: string[] = [];
	readonly inside = new ModelInnerStages((path) => this.#at(path).content);
	readonly #folders = new Map<string, Folder>();
	/** Out of sight. */
	readonly #going = new Map<string, Folder>();
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
		const folder = this.#folders.get(name);
		if (folder === undefined) return;
		this.#folders.delete(name);
		this.#going.set(name, folder);
	}

	async hasData(name: string): Promise<boolean> {
		return this.#folders.get(name)?.data !== undefined;
	}

	async isEmpty(path: string): Promise<boolean> {
		return this.#at(path).content.size === 0;
	}

	async persist(): Promise<void> {}

	async rename(name: string, newName: string): Promise<void> {
		this.#fail("rename");
		const folder = this.#folders.get(name);
		if (folder === undefined) return;
		if (this.#folders.has(newName)) throw new Error(`${newName} is there already`);
		this.#folders.delete(name);
		this.#folders.set(newName, folder);
	}

	async bury(name: string): Promise<void> {
		this.#going.delete(name);
	}

	async recover(name: string): Promise<boolean> {
		const folder = this.#going.get(name);
		if (folder === undefined) return false;
		this.#going.delete(name);
		this.#folders.set(name, folder);
		return true;
	}

	async removeEmpty(name: string): Promise<boolean> {
		const folder = this.#folders.get(name);
		if (folder?.data === undefined || folder.data.content.size > 0 || folder.stages.size > 0) return false;
		return this.#folders.delete(name);
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

	async look(root: string, paths: readonly string[]): Promise<readonly Found[]> {
		return paths.map((path) => this.#foundAt(root, path));
	}

	#foundAt(root: string, path: string): Found {
		if (this.imageFiles.has(`${root}${path}`)) return "file";
		const found = this.images.get(`${root}${path}`);
		if (found === undefined) return "absent";
		return found.length === 0 ? "empty" : "content";
	}

	async likeImage(path: string, { root, path: inside }: Image): Promise<void> {
		this.#at(path).like = `${root}${inside}`;
	}

	async fill(path: string, { root, path: inside }: Image): Promise<void> {
		this.#fail("fill");
		for (const entry of this.images.get(`${root}${inside}`) ?? []) this.#at(path).content.add(entry);
	}

	async clear(path: string): Promise<void> {
		this.#at(path).content.clear();
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

	/** The image's directory whose owner and mode the volume has. */
	likenessOf(name: string): string | undefined {
		return this.#at(this.mountpoint(name)).like;
	}

	#folder(name: string): Folder {
		const folder = this.#folders.get(name) ?? { data: undefined, stages: new Map() };
		this.#folders.set(name, folder);
		return folder;
	}

	#at(path: string): Place {
		const [, name = "", id] = /^\/volumes\/([^/]+)\/_data(?:\.new-(.+))?$/.exec(path) ?? [];
		const folder = this.#folders.get(name);
		const place = id === undefined ? folder?.data : folder?.stages.get(id);
		if (place === undefined) throw new Error(`there is no ${path}`);
		return place;
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

	async relabel(): Promise<void> {}

	async unmake(made: readonly string[]): Promise<void> {
		for (const path of made) this.paths.delete(path);
	}
}
