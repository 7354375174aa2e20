/** The end of every file of end-to-end tests: the audit, `down --all`, and nothing left; the host is gone whatever they find. */
import { expect } from "vitest";
import { audit } from "./audit/audit.ts";
import { leftovers } from "./audit/leftovers.ts";
import type { Host } from "./host.ts";

/** `host`: undefined when it did not boot, which has been told. */
export async function takeDown(host: Host | undefined): Promise<void> {
	if (host === undefined) return;
	try {
		expect(await audit(host)).toEqual([]);
		await host.wharfOk("down", "--all", "--volumes");
		expect(await leftovers(host)).toEqual([]);
	} finally {
		await host[Symbol.asyncDispose]();
	}
}
