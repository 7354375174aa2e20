/** The volume service: volumes, attachments, publications and backups, in front of its own store and the directory of volumes. */
import { join } from "node:path";
import { Turns } from "#lib/concurrency/turns.ts";
import { runDaemon } from "#lib/daemon/daemon.ts";
import { Aside } from "#lib/linux/aside.ts";
import { Jailer } from "#lib/linux/mount/jail.ts";
import { Attachments } from "./attachments.ts";
import { BackupRuns } from "./backup-runs.ts";
import { Backups } from "./backups.ts";
import { SCHEMA } from "./config.ts";
import { Clones } from "./clones.ts";
import { CutOffRestores } from "./cut-off-restores.ts";
import { Descriptions } from "./descriptions.ts";
import { Drivers } from "./drivers/drivers.ts";
import { LocalDriver } from "./drivers/local.ts";
import { PluginDriver } from "./drivers/plugin.ts";
import { SshfsDriver } from "./drivers/sshfs.ts";
import { Fillings } from "./fillings.ts";
import { Jobs } from "./jobs.ts";
import { Archiver } from "./kernel/archiver.ts";
import { LinuxDisk, SNAPSHOTS } from "./kernel/linux-disk.ts";
import { LinuxFreezer } from "./kernel/linux-freezer.ts";
import { LinuxHost } from "./kernel/linux-host.ts";
import { Looking } from "./kernel/looking.ts";
import { LinuxViews } from "./kernel/linux-views.ts";
import { Snapshots } from "./kernel/snapshots.ts";
import { Usage } from "./kernel/usage.ts";
import { LiveMounts } from "./live-mounts.ts";
import { mendMounts } from "./mend-mounts.ts";
import { Mender } from "./mender.ts";
import { Mounting } from "./mounting.ts";
import { Pauses } from "./pauses.ts";
import { Prune } from "./prune.ts";
import { Publications } from "./publications.ts";
import { reconcile } from "./reconcile.ts";
import { Restores } from "./restores.ts";
import { volumeServices } from "./rpc.ts";
import { MIGRATIONS } from "./schema.ts";
import { TreeWorkers } from "./tree/tree-workers.ts";
import { Verifications } from "./verifications.ts";
import { Volumes } from "./volumes.ts";

const FIRST_MENDING_MS = 2_000;

await runDaemon({
	name: "volumed",
	migrations: MIGRATIONS,
	schema: SCHEMA,
	commitsLoneHere: true,
	start: async ({ store, settings, paths, log, resources, signal }) => {
		const jailer = resources.use(new Jailer());
		const root = settings.volumes ?? paths.volumes;
		const looking = resources.use(new Looking());
		const workers = resources.use(new TreeWorkers());
		const disk = await LinuxDisk.open(root, jailer, log, looking, workers);
		const builtIn = [resources.use(new LocalDriver(root, disk, log)), new SshfsDriver(disk, log)];
		const drivers = new Drivers(builtIn, (name) => new PluginDriver(name, { instance: paths.root }));
		const mounting = new Mounting(store, drivers);
		const folder = join(paths.run, "mounts");
		const views = resources.use(await LinuxViews.open({ folder, own: [paths.root, root], log, looking }));
		const amounts = resources.use(new Usage());
		const [turns, jobs, host] = [new Turns(), new Jobs(), new LinuxHost(looking)];
		const freezer = new LinuxFreezer(log);
		const parts = { store, disk, host, views, freezer, drivers, mounting, turns, jobs, log, now: Date.now };
		const volumes = new Volumes(parts);
		const liveMounts = new LiveMounts(parts, volumes);
		const publications = new Publications(parts);
		const pauses = resources.use(new Pauses(parts));
		const cutOff = new CutOffRestores(parts);
		await reconcile(parts, { volumes, liveMounts, pauses, cutOff });
		// A plugin that a removal waits for keeps no mount from being mended.
		const mend = async (): Promise<number> => {
			const mounts = mendMounts(parts, { publications, liveMounts }, signal);
			const all = await Promise.all([volumes.finishRemovals(), cutOff.mend(signal), mounts]);
			return all.reduce((sum, failures) => sum + failures);
		};
		const mender = resources.use(new Mender(mend, log));
		// What is quick is there before the first request; a server that is away keeps nobody.
		await mender.first(FIRST_MENDING_MS);
		const archiver = new Archiver(root, workers);
		const snapshots = new Snapshots(join(root, SNAPSHOTS), resources.use(new Aside()), log);
		await snapshots.mend();
		const backups = new Backups(parts, { archiver, pauses, snapshots, counts: amounts });
		const fillings = new Fillings(parts, archiver, cutOff);
		const restores = new Restores(parts, fillings);
		return volumeServices({
			volumes,
			descriptions: new Descriptions(parts, amounts),
			prune: new Prune(parts, volumes, amounts),
			attachments: new Attachments(parts, volumes, liveMounts),
			liveMounts,
			publications,
			backups,
			backupRuns: new BackupRuns({ parts, backups, pauses }),
			restores,
			verifications: new Verifications(parts, archiver),
			clones: new Clones(parts, { archiver, pauses, snapshots }, fillings),
			jobs,
		});
	},
});
