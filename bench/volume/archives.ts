/**
 * A backup and a restore of 50,000 small files beside GNU tar with the same flags, on tmpfs, in fresh directories, in turns.
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BackupVolumeRequest, CreateVolumeRequest, RestoreVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { type Report, Times, times } from "../support/figures.ts";
import { Volumed } from "./volumed.ts";

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

async function backup({ backups }: Volumed, path: string): Promise<void> {
	for await (const _ of backups.backupVolume(BackupVolumeRequest.fromPartial({ volume: "many", path }))) continue;
}

async function restore({ backups }: Volumed, volume: string, path: string): Promise<void> {
	const messages = async function* () {
		yield RestoreVolumeRequest.fromPartial({ part: { $case: "spec", value: { volume, path, create: true } } });
	};
	for await (const _ of backups.restoreVolume(messages())) continue;
}

function fill(content: string): void {
	for (let folder = 0; folder < FOLDERS; folder++) {
		mkdirSync(join(content, `d${folder}`));
		for (let file = 0; file < FILES / FOLDERS; file++) {
			writeFileSync(join(content, `d${folder}/f${file}`), `${folder} ${file} `.repeat(1 + ((folder * file) % 300)));
		}
	}
}

export async function archives(report: Report): Promise<void> {
	await using volumed = await Volumed.start("/dev/shm");
	const { root } = volumed;
	const { volume } = await volumed.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "many" }));
	const content = volume?.mountpoint ?? "";
	fill(content);
	const [out, back, tarOut, tarIn] = [new Times(), new Times(), new Times(), new Times()];
	await times(ROUNDS, async (round) => {
		const [theirs, ours] = [join(root, `theirs${round}.tar`), join(root, `ours${round}.tar`)];
		const target = join(root, `extracted${round}`);
		mkdirSync(target);
		await tarOut.of(() => execFileSync("tar", [...CREATE, theirs, "-C", content, "."]));
		await out.of(() => backup(volumed, ours));
		await tarIn.of(() => execFileSync("tar", [...EXTRACT, theirs, "-C", target]));
		await back.of(() => restore(volumed, `restored-${round}`, ours));
		for (const path of [theirs, ours, target]) rmSync(path, { recursive: true });
	});
	const compared = (figure: string, ours: Times, theirs: Times, aim: string): void =>
		report({
			figure,
			ours: `${ours.median.toFixed(0)} ms, ${(ours.median / theirs.median).toFixed(2)}x`,
			aim,
			beside: `GNU tar with the same flags: ${theirs.median.toFixed(0)} ms`,
		});
	compared(`back ${FILES} files up`, out, tarOut, "1.25x");
	compared(`restore ${FILES} files`, back, tarIn, "1.4x");
}
