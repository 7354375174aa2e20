/** What is amiss on a host where every service works again. */
import { audit } from "../support/audit/audit.ts";
import { eventually } from "../support/eventually.ts";
import type { Host } from "../support/host.ts";
import { settled } from "../support/services.ts";

/** What the audit still finds after twenty seconds; reconciliation has its time. */
export async function straysOf(host: Host): Promise<string[]> {
	await settled(host);
	let strays: string[] = [];
	await eventually(async () => {
		strays = await audit(host);
		if (strays.length > 0) throw new Error("strays");
	}, 20_000).catch(() => undefined);
	return strays;
}
