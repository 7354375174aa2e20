/** The first page of a list of 10,000 volumes, with and without how much is in each; Docker's whole list and its sizes beside it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CreateVolumeRequest, ListVolumesRequest } from "#gen/wharf/volume/v1/volume.ts";
import { Docker } from "../netd/docker.ts";
import { inLanes, type Report, Times, times } from "../support/figures.ts";
import { Volumed } from "./volumed.ts";

const VOLUMES = 10_000;
const FILES = 10;
const ROUNDS = 20;

export async function listing(report: Report): Promise<void> {
	await using docker = await Docker.start();
	await using volumed = await Volumed.start(tmpdir());
	const name = (index: number): string => `volume-${String(index).padStart(5, "0")}`;
	await inLanes(VOLUMES, 64, async (index) => {
		const { volume } = await volumed.volumes.createVolume(
			CreateVolumeRequest.fromPartial({ requestId: String(index), name: name(index) }),
		);
		const content = volume?.mountpoint ?? "";
		mkdirSync(join(content, "in"));
		for (let file = 0; file < FILES; file += 1) writeFileSync(join(content, "in", `f${file}`), "x".repeat(file * 1000));
	});
	await inLanes(
		VOLUMES / 10,
		8,
		async (index) => void (await docker.ask("POST", "/volumes/create", { Name: name(index) })),
	);
	const [page, usage, theirs] = [new Times(), new Times(), new Times()];
	const first = (withUsage: boolean) => volumed.volumes.listVolumes(ListVolumesRequest.fromPartial({ withUsage }));
	await times(ROUNDS, async () => {
		await page.of(() => first(false));
		await usage.of(() => first(true));
		await theirs.of(() => docker.ask("GET", "/volumes"));
	});
	const beside = `Docker's list of a tenth as many: ${String(theirs)}`;
	report({ figure: "first page (100) of 10,000 volumes", ours: String(page), aim: "100 ms", beside });
	report({ figure: `the same with usage, ${FILES} files in each`, ours: String(usage), aim: "100 ms", beside: "" });
}
