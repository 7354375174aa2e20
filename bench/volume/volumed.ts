/** volumed as a process of its own at a root of its own, spoken to over its socket as the gateway does. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { AttachmentServiceService, BackupServiceService, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import { type Child, start } from "#lib/exec/run.ts";
import { checkHealth } from "#lib/rpc/check-health.ts";
import { client, type ClientOf } from "#lib/rpc/client.ts";
import { nodeOptions } from "../../gateway/supervisor/node-options.ts";
import { anonymousMb, peakMb } from "../support/resident.ts";

const MAIN = new URL("../../services/volumed/main.ts", import.meta.url).pathname;

export class Volumed implements AsyncDisposable {
	readonly root: string;
	readonly volumes: ClientOf<typeof VolumeServiceService>;
	readonly attachments: ClientOf<typeof AttachmentServiceService>;
	readonly backups: ClientOf<typeof BackupServiceService>;
	readonly #daemon: Child;

	private constructor(parent: string, program: string) {
		this.root = mkdtempSync(join(parent, "wharf-bench-"));
		const node = nodeOptions("volumed");
		const env = { ...node.env, WHARF_ROOT: this.root, WHARF_LOG_LEVEL: "error" };
		this.#daemon = start(process.execPath, [...node.args, program], { env, stdout: "ignore", stderr: 2 });
		const at = { unix: join(this.root, "run/volumed.sock") };
		this.volumes = client(VolumeServiceService, at, { pipeline: true });
		this.attachments = client(AttachmentServiceService, at, { pipeline: true });
		this.backups = client(BackupServiceService, at);
	}

	/** Below `parent`: the file system there is what its volumes lie on. */
	static async start(parent: string, program = MAIN): Promise<Volumed> {
		const volumed = new Volumed(parent, program);
		while ((await checkHealth({ unix: join(volumed.root, "run/volumed.sock") })) !== "SERVING") await sleep(20);
		return volumed;
	}

	/** The most that was resident of it, in MB. */
	peakMb(): number {
		return peakMb(this.#daemon.pid);
	}

	/** What is resident of it now and shared with nobody, in MB. */
	anonymousMb(): number {
		return anonymousMb(this.#daemon.pid);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const one of [this.volumes, this.attachments, this.backups]) one.close();
		this.#daemon.kill("SIGTERM");
		await this.#daemon.done;
		rmSync(this.root, { recursive: true, force: true });
	}
}
