/** What the host has where a network takes it over: stored before that, and whenever it has changed. */
import type { Store } from "#lib/store/store.ts";
import type { LinkedDriver } from "./drivers/driver.ts";
import { isHostSide, type Network, setHostSide } from "./network.ts";

/** The network with what is stored of it now. */
export async function keepHostSettings(store: Store, driver: LinkedDriver, network: Network): Promise<Network> {
	const hostSettings = driver.hostSettingsOf(network);
	if (hostSettings === undefined) return network;
	const after = { ...network, hostSettings };
	if (!isHostSide(network, after)) await store.write([setHostSide(after)], "network.taking");
	return after;
}
