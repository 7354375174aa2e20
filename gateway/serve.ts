/** The gateway's main: the resident service that composes containers of sandboxes, endpoints, mounts and a runtime. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { runDaemon } from "#lib/daemon/daemon.ts";
import { execFaults } from "#lib/exec/faults.ts";
import { packageOf } from "#lib/exec/packages.ts";
import { SCHEMA } from "./config.ts";
import { ContainerTable, MIGRATIONS } from "./compose/container-table.ts";
import { Endings } from "./endings.ts";
import { findProgram } from "./find-program.ts";
import { RootFileSystems } from "./images/host.ts";
import { keepReconciled, takeExits } from "./keeper.ts";
import { Locks } from "#lib/concurrency/locks.ts";
import { keepLogsBounded } from "./logs/keep-bounded.ts";
import { LogFiles } from "./logs/log-files.ts";
import type { Parts } from "./parts.ts";
import { Netd } from "./peers/netd.ts";
import { Volumed } from "./peers/volumed.ts";
import { containerService } from "./rpc.ts";
import { Runc } from "./runtime/runc.ts";

await runDaemon({
	name: "gateway",
	migrations: MIGRATIONS,
	schema: SCHEMA,
	start: async ({ store, settings, paths, log, resources }) => {
		const { runtime, reconcileEvery } = settings;
		const program = runtime ?? findProgram("runc");
		if (program === undefined || !existsSync(program)) {
			throw execFaults.PROGRAM_MISSING({ program: program ?? "runc", package: packageOf(program ?? "runc") });
		}
		const roots = new RootFileSystems(paths.containers, log);
		const parts: Parts = {
			store,
			table: new ContainerTable(store),
			locks: new Locks(),
			endings: new Endings(),
			runtime: new Runc({
				program,
				stateDir: join(paths.run, "runc"),
				exitDir: join(paths.run, "exits"),
				execDir: join(paths.run, "execs"),
				log,
			}),
			roots,
			logFiles: new LogFiles((id) => roots.dir(id)),
			netd: resources.use(new Netd({ unix: paths.socket("netd") })),
			volumed: resources.use(new Volumed({ unix: paths.socket("volumed") })),
			wharfRoot: paths.root,
			log,
		};
		await parts.runtime.endExecs();
		resources.use(takeExits(parts));
		resources.use(keepLogsBounded(parts));
		resources.use(await keepReconciled(parts, reconcileEvery));
		return [containerService(parts)];
	},
});
