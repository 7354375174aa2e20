/**
 * volumed: making and removing a volume through gRPC, durably; and a backup and a restore of 50,000 small files beside GNU tar
 * with the same flags, on tmpfs, in fresh directories, in turns.
 */
import { execFileSync, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
	BackupServiceService,
	BackupVolumeRequest,
	CreateVolumeRequest,
	DeleteVolumeRequest,
	RestoreVolumeRequest,
	VolumeServiceService,
} from "#gen/wharf/volume/v1/volume.ts";
import { checkHealth } from "#lib/rpc/check-health.ts";
import { client } from "#lib/rpc/client.ts";
import { median } from "./support/figures.ts";

const FILES = 50_000;
const FOLDERS = 500;
const ROUNDS = 5;
const COMMON = ["--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls"];
const CREATE = [
	"--format=posix",
	"--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
	...COMMON,
	...["--sparse", "--sort=name", "-b128", "-cf"],
];
const EXTRACT = [...COMMON, "--same-owner", "-p", "--delay-directory-restore", "-xf"];

const root = mkdtempSync("/dev/shm/wharf-bench-");
const main = new URL("../services/volumed/main.ts", import.meta.url).pathname;
const daemon = spawn(process.execPath, [main], {
	env: { ...process.env, WHARF_ROOT: root, WHARF_LOG_LEVEL: "error" },
	stdio: ["ignore", "inherit", "inherit"],
});
const unix = join(root, "run/volumed.sock");
using volumes = client(VolumeServiceService, { unix });
using backups = client(BackupServiceService, { unix });

const took = async (body: () => unknown): Promise<number> => {
	const begun = performance.now();
	await body();
	return performance.now() - begun;
};
const line = (what: string, value: string): void => console.log(`${what.padEnd(52)} ${value.padStart(10)}`);
const create = (name: string) => volumes.createVolume(CreateVolumeRequest.fromPartial({ name }));
const remove = (name: string) => volumes.deleteVolume(DeleteVolumeRequest.fromPartial({ name }));

async function backup(path: string): Promise<void> {
	for await (const _ of backups.backupVolume(BackupVolumeRequest.fromPartial({ volume: "many", path }))) continue;
}

async function restore(volume: string, path: string): Promise<void> {
	const messages = async function* () {
		yield RestoreVolumeRequest.fromPartial({ part: { $case: "spec", value: { volume, path, create: true } } });
	};
	for await (const _ of backups.restoreVolume(messages())) continue;
}

try {
	while ((await checkHealth({ unix })) !== "SERVING") await sleep(20);

	const created: number[] = [];
	const removed: number[] = [];
	for (let index = 0; index < 220; index++) {
		created.push(await took(() => create(`volume-${index}`)));
		removed.push(await took(() => remove(`volume-${index}`)));
	}
	line("create a volume, gRPC", `${median(created.slice(20)).toFixed(2)} ms`);
	line("delete a volume, gRPC", `${median(removed.slice(20)).toFixed(2)} ms`);

	const { volume } = await create("many");
	const content = volume?.mountpoint ?? "";
	for (let folder = 0; folder < FOLDERS; folder++) {
		mkdirSync(join(content, `d${folder}`));
		for (let file = 0; file < FILES / FOLDERS; file++) {
			writeFileSync(join(content, `d${folder}/f${file}`), `${folder} ${file} `.repeat(1 + ((folder * file) % 300)));
		}
	}
	const figures = { tarOut: [] as number[], out: [] as number[], tarIn: [] as number[], in: [] as number[] };
	for (let round = 0; round < ROUNDS; round++) {
		const [theirs, ours] = [join(root, `theirs${round}.tar`), join(root, `ours${round}.tar`)];
		const target = join(root, `extracted${round}`);
		mkdirSync(target);
		figures.tarOut.push(await took(() => execFileSync("tar", [...CREATE, theirs, "-C", content, "."])));
		figures.out.push(await took(() => backup(ours)));
		figures.tarIn.push(await took(() => execFileSync("tar", [...EXTRACT, theirs, "-C", target])));
		figures.in.push(await took(() => restore(`restored-${round}`, ours)));
		for (const path of [theirs, ours, target]) rmSync(path, { recursive: true });
	}
	const compared = (what: string, ours: readonly number[], theirs: readonly number[]): void => {
		line(`GNU tar, the same flags: ${what}`, `${median(theirs).toFixed(0)} ms`);
		line(`volumed, with manifest and digests: ${what}`, `${median(ours).toFixed(0)} ms`);
		line("", `${(median(ours) / median(theirs)).toFixed(2)} x`);
	};
	compared(`archive ${FILES} files`, figures.out, figures.tarOut);
	compared(`extract ${FILES} files`, figures.in, figures.tarIn);
} finally {
	daemon.kill();
	await new Promise((resolve) => daemon.once("exit", resolve));
	rmSync(root, { recursive: true, force: true });
}
