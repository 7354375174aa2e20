/** The volume service: volumes, attachments and backups, in front of its own store and the directory of volumes. */
import { runDaemon } from "#lib/daemon/daemon.ts";
import { Jailer } from "#lib/linux/mount/jail.ts";
import { Attachments } from "./attachments.ts";
import { Backups } from "./backups.ts";
import { SCHEMA } from "./config.ts";
import { Jobs } from "./jobs.ts";
import { LinuxDisk } from "./kernel/linux-disk.ts";
import { LinuxHost } from "./kernel/linux-host.ts";
import { Tar } from "./kernel/tar.ts";
import { reconcile } from "./reconcile.ts";
import { Restores } from "./restores.ts";
import { volumeServices } from "./rpc.ts";
import { MIGRATIONS } from "./schema.ts";
import { Turns } from "#lib/concurrency/turns.ts";
import { Volumes } from "./volumes.ts";

await runDaemon({
	name: "volumed",
	migrations: MIGRATIONS,
	schema: SCHEMA,
	start: async ({ store, settings, paths, log, resources }) => {
		const jailer = resources.use(new Jailer());
		const disk = await LinuxDisk.open(settings.volumes ?? paths.volumes, jailer, log);
		const parts = { store, disk, turns: new Turns(), jobs: new Jobs(), now: Date.now };
		const volumes = new Volumes(parts);
		await reconcile(parts, volumes, log);
		const tar = new Tar(jailer);
		return volumeServices({
			volumes,
			attachments: new Attachments(parts, new LinuxHost(), volumes),
			backups: new Backups(parts, tar),
			restores: new Restores(parts, tar),
			mountpoint: (name) => disk.mountpoint(name),
		});
	},
});
