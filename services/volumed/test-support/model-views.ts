/** Views in memory, for use cases. */
import { volumeFaults } from "../faults.ts";
import type { MountMark } from "#lib/linux/mount/mountinfo.ts";
import type { ProcessIdentity } from "#lib/linux/process.ts";
import type { Published, Shown, View, Views } from "../kernel/views.ts";

export class ModelViews implements Views {
	/** By id. */
	readonly made = new Map<string, View>();
	/** By path. */
	readonly published = new Map<string, View>();
	/** By `pid:destination`. */
	readonly inside = new Map<string, View>();
	/** When each process was started. */
	readonly processes = new Map<number, string>();
	/** Thrown by the next call that mounts, once. */
	failure: Error | undefined;

	async prepare(id: string, view: View): Promise<string> {
		this.#fail();
		this.made.set(id, view);
		return this.preparedPath(id);
	}

	preparedPath(id: string): string {
		return `/run/mounts/${id}`;
	}

	async discard(idOrAttachment: string): Promise<void> {
		for (const id of this.made.keys()) {
			if (id === idOrAttachment || id.startsWith(`${idOrAttachment}/`)) this.made.delete(id);
		}
	}

	async prepared(): Promise<string[]> {
		return [...this.made.keys()];
	}

	async publish(path: string, view: View): Promise<Published> {
		this.#fail();
		this.published.set(path, view);
		return { made: true, mark: path };
	}

	async findPublished(path: string): Promise<MountMark | undefined> {
		return this.published.has(path) ? path : undefined;
	}

	async unpublish(path: string): Promise<void> {
		this.published.delete(path);
	}

	async canPropagate(): Promise<boolean> {
		return true;
	}

	async identify(pid: number): Promise<ProcessIdentity | undefined> {
		const start = this.processes.get(pid);
		return start === undefined ? undefined : { pid, start };
	}

	async mountInto({ pid, start }: ProcessIdentity, view: View, destination: string): Promise<MountMark> {
		this.#fail();
		if (this.processes.get(pid) !== start) throw volumeFaults.PROCESS_NOT_FOUND({ pid: String(pid) });
		this.inside.set(`${pid}:${destination}`, view);
		return destination;
	}

	async unmountFrom({ pid }: ProcessIdentity, _shown: Shown, destination: string): Promise<void> {
		this.inside.delete(`${pid}:${destination}`);
	}

	#fail(): void {
		const error = this.failure;
		this.failure = undefined;
		if (error !== undefined) throw error;
	}
}
