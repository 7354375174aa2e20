/** volumed as a process of its own, at a root of its own, spoken to over its socket. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
	AttachmentServiceService,
	type BackupResult,
	BackupServiceService,
	BackupVolumeRequest,
	BackupVolumesRequest,
	type BackupVolumesResponse,
	PublicationServiceService,
	type RestoreSpec,
	RestoreVolumeRequest,
	type VerifyArchiveRequest,
	type VerifyResult,
	type VerifySpec,
	VolumeServiceService,
} from "#gen/wharf/volume/v1/volume.ts";
import { type Child, start } from "#lib/exec/start.ts";
import { checkHealth } from "#lib/rpc/check-health.ts";
import { client, type ClientOf } from "#lib/rpc/client.ts";

const MAIN = new URL("../main.ts", import.meta.url).pathname;

export class Daemon implements AsyncDisposable {
	readonly root: string;
	readonly volumes: ClientOf<typeof VolumeServiceService>;
	readonly attachments: ClientOf<typeof AttachmentServiceService>;
	readonly publications: ClientOf<typeof PublicationServiceService>;
	readonly backups: ClientOf<typeof BackupServiceService>;
	#child: Child | undefined;

	/** Below `parent`, as a tmpfs. */
	constructor(parent = tmpdir()) {
		this.root = mkdtempSync(join(parent, "wharf-volumed-"));
		const address = { unix: join(this.root, "run/volumed.sock") };
		this.volumes = client(VolumeServiceService, address);
		this.attachments = client(AttachmentServiceService, address);
		this.publications = client(PublicationServiceService, address);
		this.backups = client(BackupServiceService, address);
	}

	/** With `killPoint` the process dies there; then this may resolve because it has died already. */
	async start(killPoint?: string): Promise<void> {
		const env = { WHARF_ROOT: this.root, ...(killPoint !== undefined && { WHARF_KILL_POINT: killPoint }) };
		const child = start(process.execPath, [MAIN], { env, stdout: "ignore" });
		this.#child = child;
		let over = false;
		void child.done.finally(() => {
			over = true;
		});
		while ((await checkHealth({ unix: join(this.root, "run/volumed.sock") })) !== "SERVING") {
			if (over) {
				const { stderr } = await child.done;
				if (killPoint !== undefined) return;
				throw new Error(`volumed did not start: ${stderr}`);
			}
			await sleep(20);
		}
	}

	/** Of the process that was started last. */
	get pid(): number | undefined {
		return this.#child?.pid;
	}

	/** How it ended, once it has. */
	async ended() {
		return this.#child?.done;
	}

	async kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
		this.#child?.kill(signal);
		await this.#child?.done;
	}

	/** The content of a volume. */
	content(volume: string): string {
		return join(this.root, "volumes", volume, "_data");
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const one of [this.volumes, this.attachments, this.publications, this.backups]) one.close();
		await this.kill();
		rmSync(this.root, { recursive: true, force: true });
	}
}

export async function backup(
	daemon: Daemon,
	request: Partial<BackupVolumeRequest>,
): Promise<{ result: BackupResult | undefined; bytes: Buffer }> {
	const chunks: Uint8Array[] = [];
	let result: BackupResult | undefined;
	for await (const { part } of daemon.backups.backupVolume(BackupVolumeRequest.fromPartial(request))) {
		if (part?.$case === "chunk") chunks.push(part.value);
		if (part?.$case === "result") result = part.value;
	}
	return { result, bytes: Buffer.concat(chunks) };
}

/** From a path in `spec`, or from `bytes`. */
export async function restore(
	daemon: Daemon,
	spec: Partial<RestoreSpec>,
	bytes?: Buffer | AsyncIterable<Buffer>,
): Promise<BackupResult | undefined> {
	let result: BackupResult | undefined;
	for await (const { part } of daemon.backups.restoreVolume(messages(spec, bytes))) {
		if (part?.$case === "result") result = part.value;
	}
	return result;
}

async function* messages(spec: Partial<RestoreSpec>, bytes: Buffer | AsyncIterable<Buffer> | undefined) {
	yield RestoreVolumeRequest.fromPartial({ part: { $case: "spec", value: spec } });
	if (bytes === undefined) return;
	if (!Buffer.isBuffer(bytes)) {
		for await (const value of bytes) yield RestoreVolumeRequest.fromPartial({ part: { $case: "chunk", value } });
		return;
	}
	const size = 100_000;
	for (let at = 0; at < bytes.length; at += size) {
		yield RestoreVolumeRequest.fromPartial({ part: { $case: "chunk", value: bytes.subarray(at, at + size) } });
	}
}

/** The archive at a path of `spec`, or `bytes`. */
export async function verify(
	daemon: Daemon,
	value: Partial<VerifySpec>,
	bytes?: Buffer,
): Promise<VerifyResult | undefined> {
	async function* messages(): AsyncGenerator<VerifyArchiveRequest> {
		yield { part: { $case: "spec", value: { path: "", volume: "", requestId: "", maxExpansion: 0, ...value } } };
		if (bytes !== undefined) yield { part: { $case: "chunk", value: bytes } };
	}
	for await (const { part } of daemon.backups.verifyArchive(messages()))
		if (part?.$case === "result") return part.value;
	return undefined;
}

/** What was told, without progress. */
export async function backupAll(
	daemon: Daemon,
	request: Partial<BackupVolumesRequest>,
): Promise<NonNullable<BackupVolumesResponse["part"]>[]> {
	const told: NonNullable<BackupVolumesResponse["part"]>[] = [];
	for await (const { part } of daemon.backups.backupVolumes(BackupVolumesRequest.fromPartial(request)))
		if (part !== undefined && part.$case !== "progress") told.push(part);
	return told;
}
