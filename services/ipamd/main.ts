/** The address service: pools, subnets and leases, in front of its own store. */
import { readFileSync } from "node:fs";
import { runDaemon } from "#lib/daemon/daemon.ts";
import { poolsOf, SCHEMA } from "./config.ts";
import { KernelHostNetwork } from "./kernel/host-network.ts";
import { watchHost } from "./kernel/host-news.ts";
import { reconcile, regularly } from "./reconcile.ts";
import { ipamService } from "./rpc.ts";
import { MIGRATIONS } from "./schema.ts";

await runDaemon({
	name: "ipamd",
	migrations: MIGRATIONS,
	commitsLoneHere: true,
	schema: SCHEMA,
	start: async ({ store, settings, paths, log, resources }) => {
		const now = Date.now;
		const pools = poolsOf(settings.addressPools, `${machineId() ?? store.epoch} ${paths.root}`);
		const host = resources.use(new KernelHostNetwork());
		const ipamd = await reconcile({ store, pools, host, restMs: settings.addressRest, now }, log);
		resources.use(ipamd.overlaps);
		resources.use(regularly(ipamd, log));
		resources.use(watchHost({ log, changed: () => ipamd.overlaps.soon() }));
		ipamd.overlaps.soon();
		return [ipamService(ipamd)];
	},
});

/** machine-id(5); images that are cloned before their first boot have an empty one. */
function machineId(): string | undefined {
	try {
		return readFileSync("/etc/machine-id", "utf8").trim() || undefined;
	} catch {
		return undefined;
	}
}
