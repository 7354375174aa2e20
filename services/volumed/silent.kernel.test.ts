/** A file system that never answers, wherever a request may lead to it: volumed refuses what leads there, and serves everybody else. */
import { execFileSync, spawn } from "node:child_process";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
	AttachRequest,
	MountIntoRequest,
	PublicationServiceService,
	PublishVolumeRequest,
} from "#gen/wharf/volume/v1/volume.ts";
import { mountFs, unmount } from "#lib/linux/mount/mount.ts";
import { client } from "#lib/rpc/client.ts";
import { Daemon } from "./test-support/daemon.ts";

let folder: string;
let server: number;
let daemon: Daemon;
const dead = (path: string): string => join(folder, "dead", path);
const request = (name: string) => ({ requestId: name, holder: "test", containerId: name, containerName: "" });
const bind = (path: string) => ({ $case: "bind" as const, value: { path, create: false } });

/** A server of files that says nothing. */
function mountSilent(path: string): void {
	mountFs("fuse", "silent", path, [`fd=${server}`, "rootmode=40000", "user_id=0", "group_id=0"]);
}

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), "wharf-silent-"));
	mkdirSync(dead(""));
	server = openSync("/dev/fuse", "r+");
	mountSilent(dead(""));
	daemon = new Daemon();
	await daemon.start();
	await daemon.volumes.createVolume({ name: "data", requestId: "1", driver: "", options: {}, labels: {} });
});
afterAll(async () => {
	closeSync(server);
	unmount(dead(""), { detach: true });
	await daemon[Symbol.asyncDispose]();
	rmSync(folder, { recursive: true });
});

/** Whoever asks for nothing of the dead file system is served all the while. */
async function servesOthers(refusals: readonly Promise<unknown>[]): Promise<unknown[]> {
	const ended = Promise.allSettled(refusals);
	for (let round = 0; round < 10; round++) {
		const name = `other${round}-${refusals.length}`;
		await daemon.volumes.createVolume({ name, requestId: "", driver: "", options: {}, labels: {} });
		await daemon.volumes.deleteVolume({ name, requestId: "" });
	}
	return (await ended).map((one) => (one.status === "rejected" ? one.reason.reason : one.value));
}

test("as the source of binds, more of them than Node has threads", async () => {
	const asked = Array.from({ length: 6 }, (_, index) => {
		const mounts = [{ destination: "/x", source: bind(dead(`bound${index}`)) }];
		return daemon.attachments.attach(AttachRequest.fromPartial({ ...request(`bind${index}`), mounts }));
	});
	expect(await servesOthers(asked)).toEqual(asked.map(() => "INVALID_SOURCE"));
});

test("as an image's root, and below one", async () => {
	const mounts = [{ destination: "/x", source: { $case: "volume" as const, value: { name: "data" } } }];
	const asked = [dead("root"), dead("")].map((imageRoot, index) =>
		daemon.attachments.attach(AttachRequest.fromPartial({ ...request(`image${index}`), mounts, imageRoot })),
	);
	expect(await servesOthers(asked)).toEqual(["INVALID_PATH", "INVALID_PATH"]);
});

test("as a place to publish at", async () => {
	using publications = client(PublicationServiceService, { unix: join(daemon.root, "run/volumed.sock") });
	const at = (path: string) =>
		publications.publishVolume(PublishVolumeRequest.fromPartial({ holder: "test", volume: "data", path }));
	const refused = ["INVALID_PATH", "INVALID_PATH", "INVALID_PATH"];
	expect(await servesOthers([at(dead("in/it")), at(dead("it")), at(dead("it"))])).toEqual(refused);
});

test("as the content of a volume of which a part is wanted", async () => {
	const options = { type: "none", o: "bind", device: dead("") };
	await daemon.volumes.createVolume({ name: "bound", requestId: "", driver: "", options, labels: {} });
	const value = { name: "bound", subpath: "part" };
	const mounts = [{ destination: "/x", source: { $case: "volume" as const, value } }];
	const asked = daemon.attachments.attach(AttachRequest.fromPartial({ ...request("part"), mounts }));
	expect(await servesOthers([asked])).toEqual(["MOUNT_FAILED"]);
	await daemon.volumes.deleteVolume({ name: "bound", requestId: "" });
});

test("in a process that something is to be mounted into", async () => {
	const child = spawn("unshare", ["--mount", "--propagation", "private", "sleep", "60"], { stdio: "ignore" });
	try {
		const ns = (pid: number | string) => execFileSync("readlink", [`/proc/${pid}/ns/mnt`], { encoding: "utf8" });
		await expect.poll(() => ns(child.pid ?? 0) === ns("self")).toBe(false);
		const into = (destination: string) =>
			daemon.attachments.mountInto(
				MountIntoRequest.fromPartial({
					...request("process"),
					requestId: "",
					pid: child.pid ?? 0,
					mount: { destination, source: { $case: "volume", value: { name: "data" } } },
				}),
			);
		const asked = [into(dead("into")), into(join(folder, "made"))];
		expect(await servesOthers(asked)).toMatchObject(["INVALID_SOURCE", { mount: { pid: child.pid } }]);
	} finally {
		child.kill("SIGKILL");
	}
});

test("over a volume's directory when volumed starts", async () => {
	const options = { type: "tmpfs" };
	await daemon.volumes.createVolume({ name: "over", requestId: "", driver: "", options, labels: {} });
	await daemon.kill("SIGTERM");
	mountSilent(daemon.content("over"));
	mountSilent(daemon.content("data"));
	await daemon.start();
	const { volume } = await daemon.volumes.getVolume({ name: "over", withUsage: false });
	expect(volume?.name).toBe("over");
	for (const name of ["data", "over"]) unmount(daemon.content(name), { detach: true });
});
