/** Backups and restores beside what Docker's documents say: a container with the volume and a directory of the host, which runs tar. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { CreateVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { Docker } from "../netd/docker.ts";
import { type Report, Times, times } from "../support/figures.ts";
import { backup, fillMany, fillOne, restore } from "./archives.ts";
import { Volumed } from "./volumed.ts";

const ROUNDS = 5;
const CASES = [
	{ what: "50000 small files", fill: fillMany },
	{ what: "a file of 1 GiB", fill: fillOne },
];

export async function archivesBesideDocker(report: Report): Promise<void> {
	await using docker = await Docker.start();
	for (const { what, fill } of CASES) {
		await using volumed = await Volumed.start("/dev/shm");
		const { root } = volumed;
		const { volume } = await volumed.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "full" }));
		const content = volume?.mountpoint ?? "";
		fill(content);
		const [out, back, theirOut, theirBack] = [new Times(), new Times(), new Times(), new Times()];
		await times(ROUNDS, async (round) => {
			const [archive, target] = [join(root, "ours.tar"), join(root, "theirs")];
			mkdirSync(target);
			const restored = join(root, "volumes", `restored-${round}`, "_data");
			const asDocker = async (): Promise<void> => {
				const host = `${root}:/backup`;
				const pack = ["/bin/tar", "cf", "/backup/theirs.tar", "-C", "/data", "."];
				const unpack = ["/bin/tar", "xf", "/backup/theirs.tar", "-C", "/data"];
				await theirOut.of(() => docker.ran(pack, [`${content}:/data:ro`, host]));
				await theirBack.of(() => docker.ran(unpack, [`${target}:/data`, host]));
				for (const path of [join(root, "theirs.tar"), target]) rmSync(path, { recursive: true });
			};
			const asVolumed = async (): Promise<void> => {
				await out.of(() => backup(volumed, archive, false));
				await back.of(() => restore(volumed, `restored-${round}`, archive));
				for (const path of [archive, restored]) rmSync(path, { recursive: true });
			};
			for (const side of round % 2 === 0 ? [asDocker, asVolumed] : [asVolumed, asDocker]) await side();
		});
		for (const [act, ours, theirs] of [
			["back up", out, theirOut],
			["restore", back, theirBack],
		] as const) {
			report({
				figure: `${act} ${what}, beside a container with tar`,
				ours: `${ours.median.toFixed(0)} ms, ${(ours.median / theirs.median).toFixed(2)}x`,
				aim: "ahead",
				beside: `Docker's container with tar, without attributes: ${theirs.median.toFixed(0)} ms`,
			});
		}
	}
}
