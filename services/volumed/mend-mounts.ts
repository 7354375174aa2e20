/**
 * Mounts against the store: at the start, and again and again for what others unmount, for processes that end, for servers that were
 * away. Requests are served meanwhile, and what one thing waits for, others do not: each is looked up anew in its turn.
 */
import { Activation } from "./activation.ts";
import { containerKey } from "./attachment.ts";
import { AttachmentRecords, type StoredAttachment } from "./attachment-records.ts";
import type { LiveMounts } from "./live-mounts.ts";
import type { Parts } from "./parts.ts";
import type { Publications } from "./publications.ts";
import { VolumeRecords } from "./volume-records.ts";

/** So many may wait for servers before anything else waits for them. */
const AT_ONCE = 32;

interface Task {
	readonly what: string;
	readonly name: string;
	carryOut(): Promise<void>;
}

/** Gives the number of those that could not be mended. */
export async function mendMounts(
	parts: Parts,
	{ publications, liveMounts }: { readonly publications: Publications; readonly liveMounts: LiveMounts },
	signal: AbortSignal,
): Promise<number> {
	const { store, mounting, views, log } = parts;
	const volumes = new VolumeRecords(store);
	const attachments = new AttachmentRecords(store);
	const activation = new Activation(parts);
	let failures = await liveMounts.mend();
	const mended = volumes.beyondDirectories().filter((volume) => mounting.needsMount(volume));
	const active = attachments.active().filter((attachment) => activation.needsWork(attachment));
	const tasks: Task[] = [
		...mended.map(({ name }) => ({
			what: "a volume's mount",
			name,
			carryOut: async () => {
				const volume = volumes.find(name);
				if (volume?.state === "ACTIVE") await mounting.mend(volume, signal);
			},
		})),
		...active.map((attachment) => ({
			what: "an attachment",
			name: attachment.id,
			carryOut: () => mendAttachment(parts, attachment, signal),
		})),
		...publications.paths().map((path) => ({
			what: "a publication",
			name: path,
			carryOut: () => publications.mend(path, signal),
		})),
	];
	const carryOut = async ({ what, name, ...task }: Task): Promise<void> => {
		try {
			await task.carryOut();
		} catch (error) {
			failures += 1;
			if (!signal.aborted) log.warn(`${what} could not be mended`, { name, err: error });
		}
	};
	await atOnce(tasks, carryOut);
	for (const place of await views.prepared()) {
		const [id = ""] = place.split("/");
		// In one turn of the loop: an attachment is stored as active before anything is made for it.
		if (!attachments.isActive(id))
			await carryOut({ what: "a view without an attachment", name: place, carryOut: () => views.discard(place) });
	}
	return failures;
}

async function mendAttachment(
	parts: Parts,
	{ id, holder, containerId }: StoredAttachment,
	signal: AbortSignal,
): Promise<void> {
	await parts.turns.take([containerKey({ holder, containerId })], async () => {
		const now = new AttachmentRecords(parts.store).find(holder, containerId);
		if (now?.id === id && now.active) await new Activation(parts).make(now, signal);
	});
}

async function atOnce<T>(items: readonly T[], body: (item: T) => Promise<void>): Promise<void> {
	const queue = [...items];
	const lane = async (): Promise<void> => {
		for (let item = queue.shift(); item !== undefined; item = queue.shift()) await body(item);
	};
	await Promise.all(Array.from({ length: AT_ONCE }, lane));
}
