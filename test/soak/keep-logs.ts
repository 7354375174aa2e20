/** The services' logs and stores outlive the host where something was amiss, so that it can be understood. */
import { cp, mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Host } from "../support/host.ts";

export async function keepLogs(host: Host, what: string): Promise<void> {
	const kept = await mkdtemp(join(tmpdir(), `wharf-soak-${what}-`));
	for (const folder of ["logs", "state"]) {
		await cp(join(host.root, folder), join(kept, folder), { recursive: true });
	}
	console.log(`  logs and stores are in ${kept}`);
}
