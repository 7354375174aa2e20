/** Stages within content in memory: names of files, of which a merge keeps those that are there. */
import { volumeFaults } from "../faults.ts";
import type { InnerStages, Preparing } from "../kernel/inner-stages.ts";
import type { Destination } from "../tree/destination.ts";

interface Stage {
	readonly content: Set<string>;
	how: Preparing | undefined;
}

export class ModelInnerStages implements InnerStages {
	/** Thrown by the next call of this name, once. */
	readonly failures = new Map<keyof InnerStages, Error>();
	readonly #contentOf: (path: string) => Set<string>;
	/** By the content that they are in. */
	readonly #stages = new Map<Set<string>, Map<string, Stage>>();

	constructor(contentOf: (path: string) => Set<string>) {
		this.#contentOf = contentOf;
	}

	async begin(path: string, id: string): Promise<Destination> {
		this.#fail("begin");
		const stages = this.#at(path);
		if (stages.has(id)) throw new Error(`the stage ${id} in ${path} is there already`);
		stages.set(id, { content: new Set(), how: undefined });
		return { root: path, within: id };
	}

	async prepare(path: string, id: string, how: Preparing): Promise<string> {
		this.#fail("prepare");
		this.#stage(path, id).how = how;
		return sealOf(id);
	}

	async enter(path: string, id: string, seal: string): Promise<void> {
		this.#fail("enter");
		const { content, how } = this.#stage(path, id);
		if (how === undefined || seal !== sealOf(id)) throw changed(path, `${id} was not prepared`);
		const there = this.#contentOf(path);
		if (how.entering === "replace") there.clear();
		for (const name of content) there.add(name);
	}

	async mountsIn(): Promise<string[]> {
		return [];
	}

	async discard(path: string, id: string): Promise<void> {
		this.#fail("discard");
		this.#at(path).delete(id);
	}

	/** What was written to it. */
	staged(path: string, id: string): Set<string> {
		return this.#stage(path, id).content;
	}

	/** As `begin` answered. */
	stagedAt({ root, within }: Destination): Set<string> {
		return this.staged(root, within);
	}

	/** Ids of those within the content at the path. */
	ids(path: string): string[] {
		return [...this.#at(path).keys()];
	}

	#stage(path: string, id: string): Stage {
		const stage = this.#at(path).get(id);
		if (stage === undefined) throw changed(path, `${id} is not there`);
		return stage;
	}

	#at(path: string): Map<string, Stage> {
		const content = this.#contentOf(path);
		const stages = this.#stages.get(content) ?? new Map<string, Stage>();
		this.#stages.set(content, stages);
		return stages;
	}

	#fail(call: keyof InnerStages): void {
		const error = this.failures.get(call);
		this.failures.delete(call);
		if (error !== undefined) throw error;
	}
}

function sealOf(id: string): string {
	return `seal of ${id}`;
}

function changed(path: string, problem: string): Error {
	return volumeFaults.STAGE_CHANGED({ path, problem });
}
