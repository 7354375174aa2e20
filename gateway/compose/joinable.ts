/** Which networks a container can be on together with others. Pure. */
import type { Network } from "#gen/wharf/network/v1/network.ts";
import { gatewayFaults } from "../faults.ts";

/** NETWORK_STANDS_ALONE, NETWORK_IS_CONFIG_ONLY. `field`: where in the request it was named. */
export function refuseUnjoinable({ name, driver, configOnly }: Network, field?: string): void {
	const details = field === undefined ? {} : { field };
	if (configOnly) throw gatewayFaults.NETWORK_IS_CONFIG_ONLY({ network: name }, details);
	if (driver === "host" || driver === "none") throw gatewayFaults.NETWORK_STANDS_ALONE({ network: name }, details);
}
