/** Directories that are staged and in the content as well, by their place: each is opened from the root down, through no link. */
import { openDirectoryBeneath } from "#lib/linux/files/beneath.ts";
import { removeName } from "#lib/linux/files/make.ts";
import { nameOf, namesIn } from "#lib/linux/files/names.ts";
import { closeFile, openDirectory } from "#lib/linux/files/open.ts";
import { FileStatus, S_IFDIR } from "#lib/linux/files/status.ts";
import { must } from "#lib/linux/libc.ts";
import { shown } from "../archive/entry.ts";
import { volumeFaults } from "../faults.ts";
import type { Entering } from "../kernel/inner-stages.ts";
import { splitPlace } from "./places.ts";
import type { Joined } from "./stage-plan.ts";
import { stillThere } from "./still-there.ts";

const ENOENT = 2;

export interface Pair {
	readonly staged: number;
	readonly there: number;
}

export class JoinedDirectories {
	/** Names that were gone through. */
	looked = 0;
	readonly #there: number;
	readonly #staged: number;
	readonly #path: string;
	readonly #status = new FileStatus();

	/** Both are open and stay the caller's. The path is the content's, for people. */
	constructor(there: number, staged: number, path: string) {
		this.#path = path;
		this.#there = there;
		this.#staged = staged;
	}

	/** Outer before inner; of a replacement only the root. Fault: DIRECTORY_IN_THE_WAY. */
	*planned(entering: Entering, implied: ReadonlySet<string>): Generator<void, Joined[]> {
		const joined: Joined[] = [];
		const waiting = [""];
		for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
			using pair = this.open(place);
			if (pair === undefined) continue;
			must(this.#status.ofDescriptor(pair.staged), "statx");
			const { mtimeSeconds, mtimeNanoseconds } = this.#status;
			// Of a new content all is the archive's, said or not.
			const isSaid = entering === "replace" || !implied.has(place);
			joined.push({ place, time: isSaid ? [mtimeSeconds, mtimeNanoseconds] : undefined });
			const names = namesIn(pair.staged).map(nameOf);
			this.looked += names.length;
			if (entering === "merge") waiting.push(...(yield* this.#inBoth(pair, place, names)));
		}
		return joined;
	}

	/** The places of directories within that both have. */
	*#inBoth({ staged, there }: Pair, place: string, names: readonly string[]): Generator<void, string[]> {
		const found: string[] = [];
		for (const name of names) {
			yield;
			if (!this.#isDirectory(there, name)) continue;
			const inner = place === "" ? name : `${place}/${name}`;
			if (this.#isDirectory(staged, name)) found.push(inner);
			else if (!isEmpty(there, name)) throw volumeFaults.DIRECTORY_IN_THE_WAY({ entry: shown(inner) });
		}
		return found;
	}

	/** Undefined when it is not staged any more. Fault: STAGE_CHANGED. */
	open(place: string): (Pair & Disposable) | undefined {
		using opened = new DisposableStack();
		const staged = beneath(this.#staged, place);
		if (staged === undefined) return undefined;
		opened.adopt(staged, closeFile);
		const name = `the directory ${JSON.stringify(shown(place))}`;
		const there = opened.adopt(stillThere(openDirectoryBeneath(this.#there, place), this.#path, name), closeFile);
		const held = opened.move();
		return { staged, there, [Symbol.dispose]: () => held.dispose() };
	}

	/** The staged one, with nothing in it; the root stays. */
	remove(place: string): void {
		if (place === "") return;
		const [above, name] = splitPlace(place);
		const directory = beneath(this.#staged, above);
		if (directory === undefined) return;
		try {
			const removed = removeName(directory, name, true);
			if (removed !== -ENOENT) must(removed, "rmdir");
		} finally {
			closeFile(directory);
		}
	}

	#isDirectory(directory: number, name: string): boolean {
		return this.#status.ofName(directory, name) === 0 && this.#status.type === S_IFDIR;
	}
}

/** To be read; undefined when it is not there. */
function beneath(root: number, place: string): number | undefined {
	const fd = openDirectoryBeneath(root, place);
	return fd === -ENOENT ? undefined : must(fd, `open ${shown(place)}`);
}

function isEmpty(directory: number, name: string): boolean {
	const fd = must(openDirectory(directory, name), `open ${shown(name)}`);
	try {
		return namesIn(fd).length === 0;
	} finally {
		closeFile(fd);
	}
}
