/**
 * A volume that nothing was ever put into gets what the image has at its destination, once.
 *
 * One that was there before stays filled when a later step fails: it is as its first container would have found it.
 */
import { randomBytes } from "node:crypto";
import type { Found, Image } from "./kernel/disk.ts";
import type { Parts } from "./parts.ts";
import type { Volume } from "./volume.ts";

export async function copyUp(
	parts: Parts,
	volume: Volume,
	image: Image & { readonly found: Found },
	signal: AbortSignal,
): Promise<void> {
	const { disk, mounting } = parts;
	const { found } = image;
	if (found !== "empty" && found !== "content") return;
	await using hold = await mounting.hold(volume, signal);
	if (!(await disk.isEmpty(hold.path))) return;
	if (found === "empty") return disk.likeImage(hold.path, image);
	if (volume.backing === "directory") return stagedFill(parts, volume, image, signal);
	try {
		await disk.fill(hold.path, image, signal);
	} catch (error) {
		await disk.clear(hold.path);
		throw error;
	}
}

/** Beside the content, which it becomes in one step: whoever looks sees all or nothing. */
async function stagedFill({ disk }: Parts, { name }: Volume, image: Image, signal: AbortSignal): Promise<void> {
	const id = randomBytes(16).toString("hex");
	await using stage = new AsyncDisposableStack();
	stage.defer(() => disk.discard(name, id));
	await disk.fill(await disk.stage(name, id), image, signal);
	await disk.commit(name, id);
}
