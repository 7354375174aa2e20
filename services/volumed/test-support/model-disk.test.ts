import { diskContract } from "./disk-contract.ts";
import { ModelDisk, ModelHost } from "./model-disk.ts";

diskContract(async () => {
	const disk = new ModelDisk();
	const host = new ModelHost();
	host.paths.add("/host");
	disk.images.set("/image/app", ["conf"]);
	disk.images.set("/image/bare", []);
	return {
		disk,
		host,
		folder: "/host",
		image: "/image",
		write: async (volume, name) => void disk.content(volume).add(name),
		read: async (volume) => [...disk.content(volume)],
		stage: async (destination, name) => void disk.inside.stagedAt(destination).add(name),
		[Symbol.asyncDispose]: async () => undefined,
	};
});
