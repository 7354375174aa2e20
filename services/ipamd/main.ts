/** The address service: pools, subnets and leases, in front of its own store. */
import { readFileSync } from "node:fs";
import { runDaemon } from "#lib/daemon/daemon.ts";
import { poolsOf, SCHEMA } from "./config.ts";
import { KernelHostNetwork } from "./kernel/host-network.ts";
import { pruneRegularly, reconcile } from "./reconcile.ts";
import { ipamService } from "./rpc.ts";
import { MIGRATIONS } from "./schema.ts";
import { Subnets } from "./subnets.ts";

await runDaemon({
	name: "ipamd",
	migrations: MIGRATIONS,
	schema: SCHEMA,
	start: async ({ store, settings, paths, log, resources }) => {
		const now = Date.now;
		const pools = poolsOf(settings.addressPools, `${machineId() ?? store.epoch} ${paths.root}`);
		const { book, leases } = await reconcile({ store, pools, restMs: settings.addressRest, now }, log);
		resources.use(pruneRegularly(leases, log));
		const host = resources.use(new KernelHostNetwork());
		return [ipamService(new Subnets({ store, book, host, now }), leases)];
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
