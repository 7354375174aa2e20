/** One archive that is read to its end and compared with its manifest; nothing is made of it. On a thread. */
import { Reading, type Target } from "../archive/reading.ts";
import { EntryPolicy } from "../archive/policy.ts";
import type { Dropped } from "../archive/place.ts";
import { compare } from "./compare.ts";
import type { Order, Tell } from "./messages.ts";
import { Rehearsal } from "./rehearsal.ts";
import { inSlices } from "./slices.ts";
import { SparseDigests } from "./sparse-digests.ts";
import { Spool } from "./spool.ts";
import { Warnings } from "./warnings.ts";

/** Each of them is told everything. */
function all(targets: readonly Target[]): Target {
	return {
		entry: (entry) => targets.forEach((target) => target.entry(entry)),
		content: (bytes) => targets.forEach((target) => target.content(bytes)),
		entryEnd: () => targets.forEach((target) => target.entryEnd()),
		remove: (path) => targets.forEach((target) => target.remove(path)),
	};
}

export class ReadJob implements Disposable {
	readonly #tell: Tell;
	readonly #strip: Dropped;
	readonly #policy: EntryPolicy;
	readonly #lines: Spool;
	readonly #rehearsal: Rehearsal | undefined;
	readonly #sparse: SparseDigests | undefined;
	readonly #reading: Reading;
	readonly #warnings = new Warnings();
	#isOver = false;

	constructor({ spool, strip, rehearses, compares }: Order<"read">, tell: Tell) {
		this.#tell = tell;
		this.#strip = strip;
		this.#policy = new EntryPolicy(strip);
		this.#lines = new Spool(spool);
		const warn = (text: string): void => this.#warnings.add(text, text);
		if (rehearses) this.#rehearsal = new Rehearsal(strip, (_, text) => warn(text));
		if (compares) this.#sparse = new SparseDigests();
		const target = all([this.#rehearsal, this.#sparse].filter((one) => one !== undefined));
		this.#reading = new Reading({ policy: this.#policy, lines: this.#lines, target, warn });
	}

	/** The next part of the archive. */
	buffer({ buffer, length }: Order<"buffer">): void {
		const reading = this.#reading;
		reading.push(Buffer.from(buffer, 0, length));
		this.#tell({ kind: "taken", buffer, entries: reading.entries, bytes: reading.bytes }, [buffer]);
	}

	end(): void {
		const reading = this.#reading;
		reading.end();
		const { entries, bytes, kept, manifest } = reading;
		if (manifest !== undefined) reading.beyond(manifest.foot);
		this.#policy.end();
		this.#tell({ kind: "ended", entries, bytes, kept, manifest });
	}

	/** After the end. */
	async compare({ path, merged }: Order<"compare">): Promise<void> {
		if (this.#sparse === undefined) throw new Error("a comparison was not announced");
		const foot = this.#reading.manifest?.foot;
		const archive = { lines: this.#lines, sparse: this.#sparse.all, foot, dropped: this.#strip, merged };
		const compared = await compare(archive, path, () => this.#isOver);
		if (compared !== undefined) this.#tell({ kind: "compared", ...compared });
	}

	/** What a restore would tell. */
	async finish({ privileged }: Order<"finish">): Promise<void> {
		if (this.#rehearsal === undefined) throw new Error("what nobody rehearses was to be finished");
		const steps = this.#rehearsal.finish(privileged);
		if (
			!(await inSlices(
				steps,
				() => undefined,
				() => this.#isOver,
			))
		)
			return;
		this.#tell({ kind: "finished", warnings: this.#warnings.all(), implied: [] });
	}

	[Symbol.dispose](): void {
		this.#isOver = true;
		this.#lines[Symbol.dispose]();
	}
}
