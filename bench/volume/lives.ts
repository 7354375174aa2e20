/** Making and removing volumes through gRPC, durably, on the disk that holds the temporary files; Docker's engine over its socket in turns. */
import { tmpdir } from "node:os";
import { CreateVolumeRequest, DeleteVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { Docker } from "../netd/docker.ts";
import { type Report, Times, times } from "../support/figures.ts";
import { Volumed } from "./volumed.ts";

const ROUNDS = 5;
const PER_ROUND = 100;

export async function lives(report: Report): Promise<void> {
	await using docker = await Docker.start();
	await using volumed = await Volumed.start(tmpdir());
	const [made, removed, dockerMade, dockerRemoved] = [new Times(), new Times(), new Times(), new Times()];
	const ours = async (name: string, create: Times, remove: Times): Promise<void> => {
		const request = { requestId: name, name };
		await create.of(() => volumed.volumes.createVolume(CreateVolumeRequest.fromPartial(request)));
		await remove.of(() =>
			volumed.volumes.deleteVolume(DeleteVolumeRequest.fromPartial({ ...request, requestId: `${name}-` })),
		);
	};
	await times(PER_ROUND, (index) => ours(`warm-${index}`, new Times(), new Times()));
	await times(ROUNDS, async (round) => {
		await times(PER_ROUND, (index) => ours(`v-${round}-${index}`, made, removed));
		await times(PER_ROUND, async (index) => {
			const name = `v-${round}-${index}`;
			await dockerMade.of(() => docker.ask("POST", "/volumes/create", { Name: name }));
			await dockerRemoved.of(() => docker.ask("DELETE", `/volumes/${name}`));
		});
	});
	report({ figure: "create a volume", ours: String(made), aim: "2 ms", beside: `Docker's API: ${String(dockerMade)}` });
	report({
		figure: "delete a volume",
		ours: String(removed),
		aim: "2 ms",
		beside: `Docker's API: ${String(dockerRemoved)}`,
	});
}
