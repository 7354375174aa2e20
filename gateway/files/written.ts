/**
 * Files that are wharf's as long as nobody else has written to them, and are written in place.
 *
 * Of each the hashes are kept of what wharf wrote last and is about to write: a crash between the two leaves a file that is still
 * known. One whose hash is not kept is somebody else's from then on.
 */
import { createHash } from "node:crypto";
import { open, readFile, rename, writeFile } from "node:fs/promises";
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
		const before = await file.readFile("utf8");
		const kept = await this.#kept();
		const [was, wanted] = [hashOf(before), hashOf(text)];
		if (was === wanted || kept[name]?.includes(was) !== true) return;
		await this.#keep({ ...kept, [name]: [was, wanted] });
		const { bytesWritten } = await file.write(text, 0, "utf8");
		await file.truncate(bytesWritten);
		await this.#keep({ ...kept, [name]: [wanted] });
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

function hashOf(text: string): string {
	return createHash("sha256").update(text).digest("hex");
}
