/** An archiver whose archives are one name each, which it puts into a stage of the model disk. */
import type { Archiver } from "../kernel/archiver.ts";
import type { Destination } from "../tree/destination.ts";
import type { ModelDisk } from "./model-disk.ts";

export function modelArchiver(disk: ModelDisk): Archiver {
	const unpack = async (destination: Destination) => {
		let name = "";
		return {
			progress: { entries: 0, bytes: 0 },
			push: async (bytes: Buffer) => {
				name += bytes.toString();
			},
			end: async () => {
				const counts = { entries: 1, bytes: name.length };
				return { ...counts, kept: counts, manifest: undefined };
			},
			finish: async () => {
				disk.inside.stagedAt(destination).add(name);
				return { warnings: [], implied: [] };
			},
			[Symbol.asyncDispose]: async () => undefined,
		};
	};
	return { unpack } as unknown as Archiver; // what a restore needs of one
}
