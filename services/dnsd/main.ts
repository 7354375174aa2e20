/** The resolver in the sandboxes: a projection of netd's names, rebuilt from its watch at any time; nothing is stored. */
import { runDaemon } from "#lib/daemon/daemon.ts";
import { dnsdSchema, forwarderSettings, tcpLimits } from "./config.ts";
import { NameWatch } from "./peers/netd.ts";
import { Resolver } from "./resolver.ts";
import { dnsService } from "./rpc.ts";
import { Forwarder } from "./upstream/forwarder.ts";
import { HostServers } from "./upstream/resolv-conf.ts";

await runDaemon({
	name: "dnsd",
	migrations: undefined,
	schema: dnsdSchema,
	start: async ({ settings, paths, log, resources }) => {
		const host = new HostServers(settings.resolvConf);
		const resolver = resources.use(
			new Resolver({
				ttlSeconds: Math.floor(settings.ttlMs / 1_000),
				tcp: tcpLimits(settings),
				forwarder: new Forwarder(forwarderSettings(settings)),
				hostServers: () => host.current(),
				log,
			}),
		);
		// netd may come later: until it does there is nobody to answer.
		const watch = resources.use(NameWatch.start({ unix: paths.socket("netd") }, resolver, log));
		return [dnsService(resolver, watch)];
	},
});
