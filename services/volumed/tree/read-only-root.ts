/** A directory of this host as those see it who only read: its file system alone, no device can be opened, and nothing notes that it was read. */
import { closeFile, openDirectory } from "#lib/linux/files/open.ts";
import { must } from "#lib/linux/libc.ts";
import { DetachedTree } from "#lib/linux/mount/tree.ts";

export class ReadOnlyRoot implements Disposable {
	readonly fd: number;
	readonly #opened: DisposableStack;

	/** Throws a LinuxError. */
	constructor(path: string) {
		using opened = new DisposableStack();
		const tree = opened.use(DetachedTree.clone(path));
		tree.set({ readOnly: true, nodev: true, nosuid: true, noexec: true });
		this.fd = opened.adopt(must(openDirectory(tree.fd, "."), `open ${path}`), closeFile);
		this.#opened = opened.move();
	}

	[Symbol.dispose](): void {
		this.#opened[Symbol.dispose]();
	}
}
