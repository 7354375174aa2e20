/**
 * Promise 1, checked: every store against the kernel and against the other stores, by other programs than wharf.
 *
 * Returns one sentence for each thing that is there and not stored, stored and not there, or unfinished. Nothing may be under way.
 */
import type { Host } from "../host.ts";
import { containersAgree, noZombies } from "./containers.ts";
import { flowsAgree, leasesAgree, linksAgree, rulesAgree, sandboxesAgree, unfinished } from "./network.ts";
import { volumesAgree } from "./volumes.ts";

export async function audit(host: Host): Promise<string[]> {
	return [
		...unfinished(host.root),
		...(await linksAgree(host)),
		...(await sandboxesAgree(host)),
		...(await rulesAgree(host)),
		...leasesAgree(host.root),
		...(await flowsAgree(host)),
		...(await containersAgree(host)),
		...(await volumesAgree(host)),
		...(await noZombies(host)),
	];
}
