/** volumed after ends that it did not choose: killed at any moment, a reboot, a power cut, and a server that does not answer at its start. */
import { once } from "node:events";
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import {
	AttachRequest,
	CreateVolumeRequest,
	PublishVolumeRequest,
	UnpublishVolumeRequest,
} from "#gen/wharf/volume/v1/volume.ts";
import { unmount } from "#lib/linux/mount/mount.ts";
import { mountinfo } from "#lib/linux/mount/mountinfo.ts";
import { amiss, remains } from "./test-support/inspection.ts";
import { killRounds } from "./test-support/kill-rounds.ts";
import { KillScene, ownMountsAndRun } from "./test-support/kill-scene.ts";
import { playUntil } from "./test-support/kill-visit.ts";
import { cutOff } from "./test-support/power-cut.ts";
import { seededChoices } from "./test-support/seeded-choices.ts";
import { SshServer } from "./test-support/ssh-server.ts";

/** Twenty starts of volumed, on a machine where others have the processors. */
const LONG_MS = 300_000;

beforeAll(ownMountsAndRun);

describe("at a moment of no choice", () => {
	test.each([
		["kill", 20],
		["power", 6],
	] as const)(
		"%s: nothing is lost and nothing is left, %i times",
		async (ends, rounds) => {
			const seed = Date.now() % 1_000_000;
			const problems: string[] = [];
			const report = (problem: string): void => void problems.push(problem);
			const answers = await killRounds({ rounds, random: seededChoices(seed), ends, report });
			expect({ seed, problems }).toEqual({ seed, problems: [] });
			expect(answers).toBeGreaterThan(rounds);
		},
		LONG_MS,
	);
});

test("what was about to be published on another disk when the power was cut leaves no directory there", async () => {
	await using scene = await KillScene.open("ext4");
	const { daemon } = scene;
	await daemon.start();
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "data" }));
	const mounts = [{ destination: "/x", source: { $case: "volume" as const, value: { name: "data" } } }];
	const attach = AttachRequest.fromPartial({ holder: "test", containerId: "c1", mounts });
	// From here on the volume itself is on the disk.
	await daemon.attachments.attach(attach);
	await daemon.kill("SIGTERM");
	await daemon.start("volumed.views.published");
	const path = join(scene.at("pub"), "data");
	const request = PublishVolumeRequest.fromPartial({ holder: "test", volume: "data", path });
	await expect(daemon.publications.publishVolume(request)).rejects.toMatchObject({ code: "UNAVAILABLE" });
	expect(readdirSync(scene.at("pub"))).toEqual(["data"]);
	await scene.cutPower(cutOff);
	await daemon.start();
	expect(readdirSync(scene.at("pub"))).toEqual([]);
	expect(await amiss(scene)).toEqual([]);
});

test("a view that was about to be taken away is taken away, though nobody else uses what it shows", async () => {
	await using scene = await KillScene.open();
	const { daemon } = scene;
	await daemon.start("store.volumed.publication.deleting");
	const options = { type: "tmpfs", device: "tmpfs" };
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "data", options }));
	const path = join(scene.at("pub"), "data");
	await daemon.publications.publishVolume(PublishVolumeRequest.fromPartial({ holder: "test", volume: "data", path }));
	const away = daemon.publications.unpublishVolume(UnpublishVolumeRequest.fromPartial({ path }));
	await expect(away).rejects.toMatchObject({ code: "UNAVAILABLE" });
	await daemon.start();
	await expect.poll(() => readdirSync(scene.at("pub"))).toEqual([]);
	expect(await amiss(scene)).toEqual([]);
});

test("a publication of a volume that somebody unmounted follows it when it is mounted anew, and goes as if nothing had been", async () => {
	await using scene = await KillScene.open();
	const { daemon } = scene;
	await daemon.start();
	const options = { type: "tmpfs", device: "tmpfs" };
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "data", options }));
	const path = join(scene.at("pub"), "data");
	await daemon.publications.publishVolume(PublishVolumeRequest.fromPartial({ holder: "test", volume: "data", path }));
	const deviceOf = (at: string): number => statSync(at).dev;
	for (let time = 0; time < 2; time++) {
		unmount(daemon.content("data"), { detach: true });
		await daemon.kill();
		await daemon.start();
		await expect.poll(() => deviceOf(path)).toBe(deviceOf(daemon.content("data")));
		expect(mountinfo().filter(({ target }) => target === path)).toHaveLength(1);
		expect(await amiss(scene)).toEqual([]);
	}
	await daemon.publications.unpublishVolume(UnpublishVolumeRequest.fromPartial({ path }));
	expect(readdirSync(scene.at("pub"))).toEqual([]);
	expect(await amiss(scene)).toEqual([]);
});

test("after a reboot everything that was mounted is, but for what has ended with its process", async () => {
	await using scene = await KillScene.open();
	await scene.daemon.start();
	expect(await playUntil(scene, "unmount /live/deep from web")).toEqual([]);
	const mounts = (): string[] => remains(scene).filter((line) => /^(?:mount|loop|place) /.test(line));
	const before = mounts();
	expect(before.map((line) => line.split(" ")[0]).filter((word) => word === "mount")).toHaveLength(18);
	await scene.reboot();
	expect(mounts().length).toBeGreaterThan(0);
	await scene.daemon.start();
	expect(await amiss(scene)).toEqual([]);
	expect(mounts().map(placeOf)).toEqual(before.map(placeOf));
});

describe("a server that does not answer", () => {
	test("keeps neither the start nor anything else", async () => {
		await using scene = await KillScene.open();
		mkdirSync(scene.at("server"));
		await using ssh = await SshServer.create(scene.at("server"));
		const { daemon } = scene;
		await daemon.start();
		const far = {
			device: `root@127.0.0.1:${ssh.content}`,
			port: String(ssh.port),
			identity_file: ssh.identity,
			host_key: ssh.hostKey(),
		};
		await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "far", driver: "sshfs", options: far }));
		expect(await playUntil(scene, "unmount /live/deep from web")).toEqual([]);
		const attach = AttachRequest.fromPartial({
			holder: "test",
			containerId: "far",
			mounts: [{ destination: "/far", source: { $case: "volume", value: { name: "far" } } }],
		});
		await daemon.attachments.attach(attach, { timeoutMs: 60_000 });
		expect(await amiss(scene)).toEqual([]);

		await ssh.kill();
		await using silent = await Silent.listen(ssh.port);
		// Mounted still, and dead.
		await daemon.kill();
		await daemon.start();
		expect(await amiss(scene)).toEqual([]);

		await scene.reboot();
		const before = silent.accepted;
		await daemon.start();
		// sshfs still waits for its server, and whether it answers is asked by a process.
		const isOfFar = (problem: string): boolean => /\/far\/_data: fuse\.sshfs rw$|process (stat|sshfs)\b/.test(problem);
		const others = async () => (await amiss(scene, 0)).filter((problem) => !isOfFar(problem));
		await expect.poll(others, { timeout: 30_000 }).toEqual([]);
		await expect.poll(() => silent.accepted).toBeGreaterThan(before);
	});
});

/** Takes connections and says nothing. */
class Silent implements AsyncDisposable {
	accepted = 0;
	readonly #server: Server;
	readonly #sockets = new Set<{ destroy(): void }>();

	private constructor() {
		this.#server = createServer((socket) => {
			this.accepted += 1;
			this.#sockets.add(socket);
			socket.on("error", () => undefined);
		});
	}

	static async listen(port: number): Promise<Silent> {
		const silent = new Silent();
		silent.#server.listen(port, "127.0.0.1");
		await once(silent.#server, "listening");
		return silent;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const socket of this.#sockets) socket.destroy();
		this.#server.close();
		await once(this.#server, "close");
	}
}

/** Without the devices' numbers, which are others after a reboot. */
function placeOf(line: string): string {
	return line.replace(/ \d+:\d+ /, " ");
}
