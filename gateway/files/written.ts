/**
 * Files that are wharf's as long as nobody else has written to them, and are written in place.
 *
 * Of each the hashes are kept of what wharf wrote last, is about to write, and of what is there between the two: a crash leaves a
 * file that is still known. One whose hash is not kept is somebody else's from then on.
 */
import { createHash } from "node:crypto";
import { type FileHandle, open, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** By a file's name. */
type Hashes = Readonly<Record<string, readonly string[]>>;

const KEPT_IN = "written.json";

export class WrittenFiles {
	readonly #dir: string;

	constructor(dir: string) {
		this.#dir = dir;
	}

	/** All of them, whatever is there, and whoever wrote it. */
	async write(texts: Readonly<Record<string, string>>): Promise<void> {
		const hashes = Object.entries(texts).map(([name, text]) => [name, [hashOf(text)]] as const);
		await this.#keep(Object.fromEntries(hashes));
		await Promise.all(Object.entries(texts).map(([name, text]) => writeFile(join(this.#dir, name), text)));
	}

	/** Those that are wharf's still; in place, since they are bind mounts in a running container. */
	async follow(texts: Readonly<Record<string, string>>): Promise<void> {
		for (const [name, text] of Object.entries(texts)) await this.#follow(name, text);
	}

	async #follow(name: string, text: string): Promise<void> {
		await using file = await open(join(this.#dir, name), "r+");
		const [before, after] = [await file.readFile(), Buffer.from(text)];
		const kept = await this.#kept();
		if (before.equals(after) || kept[name]?.includes(hashOf(before)) !== true) return;
		await this.#keep({ ...kept, [name]: stagesOf(before, after).map(hashOf) });
		try {
			await overwrite(file, after);
		} catch (error) {
			// The disk is full: what was there has its place, and is known.
			await overwrite(file, before);
			throw error;
		}
		await this.#keep({ ...kept, [name]: [hashOf(after)] });
	}

	/** None of a container that an earlier version started: its files stay as they are until it is started again. */
	async #kept(): Promise<Hashes> {
		const text = await readFile(join(this.#dir, KEPT_IN), "utf8").catch(() => "{}");
		return JSON.parse(text) as Hashes; // written by `#keep` alone, whole or not at all
	}

	async #keep(hashes: Hashes): Promise<void> {
		const path = join(this.#dir, KEPT_IN);
		await writeFile(`${path}.new`, JSON.stringify(hashes));
		await rename(`${path}.new`, path);
	}
}

/** What a file contains one after the other while it is overwritten: before, with the rest of a longer one behind the new text, after. */
export function stagesOf(before: Buffer, after: Buffer): Buffer[] {
	return [before, Buffer.concat([after, before.subarray(after.length)]), after];
}

/** In place. A write takes less than it was given where the disk fills up, and the next one says so. */
async function overwrite(file: FileHandle, content: Buffer): Promise<void> {
	for (let position = 0; position < content.length; ) {
		const { bytesWritten } = await file.write(content, position, content.length - position, position);
		position += bytesWritten;
	}
	await file.truncate(content.length);
}

function hashOf(content: string | Buffer): string {
	return createHash("sha256").update(content).digest("hex");
}
