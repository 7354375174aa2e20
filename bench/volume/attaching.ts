/** What a container's start waits for: five mounts attached, and a volume mounted into a container that runs. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	AttachRequest,
	CreateVolumeRequest,
	DetachRequest,
	type MountSpec,
	MountIntoRequest,
	UnmountFromRequest,
} from "#gen/wharf/volume/v1/volume.ts";
import { type Child, run, start } from "#lib/exec/run.ts";
import { Docker } from "../netd/docker.ts";
import { type Report, Times, times } from "../support/figures.ts";
import { Volumed } from "./volumed.ts";

const ROUNDS = 5;
const PER_ROUND = 40;
const HOLDER = "bench";

/** Two volumes that are there, one that is made, a directory of the host, and memory. */
function five(fresh: string, folder: string): MountSpec[] {
	const volume = (name: string) => ({ $case: "volume" as const, value: { name } });
	const request = AttachRequest.fromPartial({
		mounts: [
			{ destination: "/one", source: volume("one") },
			{ destination: "/two", source: volume("two"), readOnly: true },
			{ destination: "/three", source: volume(fresh) },
			{ destination: "/host", source: { $case: "bind", value: { path: folder } } },
			{ destination: "/memory", source: { $case: "tmpfs", value: { sizeBytes: 1_048_576n } } },
		],
	});
	return request.mounts;
}

export async function attaching(report: Report): Promise<void> {
	const folder = mkdtempSync(join(tmpdir(), "wharf-bench-host-"));
	const image = join(folder, "image");
	mkdirSync(join(image, "three"), { recursive: true });
	try {
		await using docker = await Docker.start();
		await using volumed = await Volumed.start(tmpdir());
		for (const name of ["one", "two"]) await volumed.volumes.createVolume(CreateVolumeRequest.fromPartial({ name }));
		const [attached, detached, theirs] = [new Times(), new Times(), new Times()];
		const round = async (name: string, attach: Times, detach: Times): Promise<void> => {
			const party = { holder: HOLDER, containerId: name };
			const mounts = five(`fresh-${name}`, folder);
			const request = AttachRequest.fromPartial({ requestId: name, ...party, mounts, imageRoot: image });
			await attach.of(() => volumed.attachments.attach(request));
			await detach.of(() => volumed.attachments.detach(DetachRequest.fromPartial({ requestId: `${name}-`, ...party })));
		};
		await times(PER_ROUND, (index) => round(`warm-${index}`, new Times(), new Times()));
		await times(ROUNDS, async (number) => {
			await times(PER_ROUND, (index) => round(`c-${number}-${index}`, attached, detached));
			await times(10, async (index) => {
				const binds = ["one:/one", "two:/two:ro", `fresh-${number}-${index}:/three`, `${folder}:/host`];
				const body = {
					Image: "bench",
					Cmd: ["/bin/sleep", "1"],
					HostConfig: { Binds: binds, Tmpfs: { "/memory": "size=1m" } },
				};
				const made = (await theirs.of(() => docker.ask("POST", "/containers/create", body))) as { Id: string };
				await docker.ask("DELETE", `/containers/${made.Id}`);
			});
		});
		report({
			figure: "attach five mounts",
			ours: String(attached),
			aim: "5 ms",
			beside: `Docker's create with the same: ${String(theirs)}`,
		});
		report({ figure: "detach them", ours: String(detached), aim: "", beside: "" });
		await mountingInto(volumed, report);
	} finally {
		rmSync(folder, { recursive: true, force: true });
	}
}

/** A process in mount and pid namespaces of its own plays the container. */
async function mountingInto(volumed: Volumed, report: Report): Promise<void> {
	const container: Child = start("unshare", ["--mount", "--propagation", "private", "sleep", "1000"], {
		stdout: "ignore",
	});
	const [mounted, unmounted, perl] = [new Times(), new Times(), new Times()];
	try {
		const pid = container.pid ?? 0;
		await times(ROUNDS * PER_ROUND, async (index) => {
			const party = { holder: HOLDER, containerId: "live" };
			const destination = "/mnt";
			const mount = { destination, source: { $case: "volume" as const, value: { name: "one" } } };
			const request = MountIntoRequest.fromPartial({ requestId: `in-${index}`, ...party, pid, mount });
			await mounted.of(() => volumed.attachments.mountInto(request));
			const out = UnmountFromRequest.fromPartial({ requestId: `out-${index}`, ...party, destination });
			await unmounted.of(() => volumed.attachments.unmountFrom(out));
			await perl.of(() => run("nsenter", ["-t", String(pid), "-m", "--", "true"]));
		});
	} finally {
		container.kill("SIGKILL");
		await container.done;
	}
	report({
		figure: "mount a volume into a running container",
		ours: String(mounted),
		aim: "5 ms",
		beside: `nsenter alone, which cannot do it: ${String(perl)}; Docker has none`,
	});
	report({ figure: "unmount it", ours: String(unmounted), aim: "", beside: "" });
}
