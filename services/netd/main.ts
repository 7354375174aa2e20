/** netd: networks, sandboxes, endpoints and published ports of this host. */
import { setTimeout as sleep } from "node:timers/promises";
import { runDaemon } from "#lib/daemon/daemon.ts";
import { assemble } from "./assemble.ts";
import { schema } from "./config.ts";
import { openLinuxKernel } from "./kernel/linux/kernel.ts";
import { openNamespaceFolder } from "./kernel/linux/namespace-folder.ts";
import { IpamdAllocator } from "./peers/ipamd.ts";
import { netdServices } from "./rpc.ts";
import { migrations } from "./schema.ts";

/** ipamd starts at the same time. What it is needed for is tried again later as well, so serving does not wait for ever. */
const START_PATIENCE_MS = 10_000;
const START_PAUSE_MS = 100;

await runDaemon({
	name: "netd",
	migrations,
	schema,
	start: async ({ paths, settings, log, store, signal, resources }) => {
		const allocator = resources.use(new IpamdAllocator({ unix: settings.ipamdSocket ?? paths.socket("ipamd") }));
		resources.use(openNamespaceFolder(paths.netnsDir));
		const kernel = resources.use(
			openLinuxKernel({
				log,
				namespaces: paths.netnsDir,
				lost: () => netd.reconcile.soon(),
				asksHost: settings.publishPolicy === "respect-host",
			}),
		);
		const netnsPath = (id: string): string => paths.netns(id);
		const bridge = settings.defaultBridge;
		const adapts = settings.foreignFirewall === "adapt";
		const netd = resources.use(
			assemble({ store, kernel, allocator, log, netnsPath, bridge, settings, adapts, signal }),
		);
		resources.use(kernel.watch((news) => netd.reconcile.changed(news)));
		const deadline = Date.now() + START_PATIENCE_MS;
		while ((await netd.reconcile.run()) > 0 && Date.now() < deadline && !signal.aborted) await sleep(START_PAUSE_MS);
		netd.reconcile.seedNames();
		return netdServices(netd);
	},
});
