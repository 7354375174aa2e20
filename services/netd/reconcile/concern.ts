/** Whether news of the kernel concern what is ours. */
import { UPLINK } from "../drivers/bridge-options.ts";
import { isShimName } from "../id.ts";
import { isInPlace } from "../kernel/links.ts";
import type { KernelNews } from "../kernel/news.ts";
import type { Parts } from "../parts.ts";
import { IS_THERE } from "../status.ts";

const NAMED = "IN (SELECT value FROM json_each(?))";

/**
 * True when a row speaks of something that it may have lost. What our own operations take away has no such row: it is `deleting`
 * before, and `creating` until all is there. An endpoint that has failed is not asked for: trying to make its leg makes news of
 * that. A network that has failed may have been waiting for another's link of that name to go, or for its uplink to be up.
 */
export function concerns(
	{ records, kernel }: Pick<Parts, "records" | "kernel">,
	{ everything, links, apart }: Omit<KernelNews, "foreignRules">,
): boolean {
	if (everything) return true;
	const names = JSON.stringify([...links]);
	if (records.networks([[`${IS_THERE} AND interface ${NAMED}`, names]]).length > 0) return true;
	const shims = JSON.stringify([...links].filter(isShimName).map((name) => name.slice(name.indexOf("-") + 1)));
	const shimmed = `${IS_THERE} AND host_side != '{}' AND substr(id, 1, 12) ${NAMED}`;
	if (shims !== "[]" && records.networks([[shimmed, shims]]).length > 0) return true;
	const uplinked = `${IS_THERE} AND options ->> '$."${UPLINK}"' ${NAMED}`;
	if (records.networks([[uplinked, JSON.stringify([...links, ...apart])]]).length > 0) return true;
	const endpoints = records.endpoints([[`state = 'active' AND host_interface ${NAMED}`, names]]);
	if (endpoints.length === 0) return false;
	// A leg that was just made may have been seen half made.
	const legs = new Map(kernel.links.observe().legs.map((leg) => [leg.hostInterface, leg]));
	return endpoints.some(
		({ hostInterface, networkId }) => !isInPlace(legs.get(hostInterface), records.network(networkId)?.interface),
	);
}
