/**
 * Backups and restores beside GNU tar with the flags that keep everything, in fresh directories, in turns: 50,000 small files, a file of a
 * GiB, and both with zstd; on tmpfs and on this machine's disk. Ours digest and verify as well; tar does not.
 */
import { execFileSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BackupVolumeRequest, CreateVolumeRequest, RestoreVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { type Report, Times, times } from "../support/figures.ts";
import { Volumed } from "./volumed.ts";

const FILES = 50_000;
const FOLDERS = 500;
const MIB = 1024 * 1024;
const ROUNDS = 5;
const COMMON = ["--numeric-owner", "--xattrs", "--xattrs-include=*", "--acls"];
const CREATE = [
	"--format=posix",
	"--pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime",
	...COMMON,
	...["--sparse", "--sort=name", "-b128"],
];
const EXTRACT = [...COMMON, "--same-owner", "-p", "--delay-directory-restore"];
/** The same program, with the same threads. */
const ZSTD = "--use-compress-program=zstd -q -T0";

interface Case {
	readonly what: string;
	readonly parent: string;
	readonly zstd: boolean;
	readonly fill: (content: string) => void;
}

const CASES: readonly Case[] = [
	{ what: `${FILES} small files`, parent: "/dev/shm", zstd: false, fill: fillMany },
	{ what: `${FILES} small files, zstd`, parent: "/dev/shm", zstd: true, fill: fillMany },
	{ what: "a file of 1 GiB", parent: "/dev/shm", zstd: false, fill: fillOne },
	{ what: "a file of 1 GiB, zstd", parent: "/dev/shm", zstd: true, fill: fillOne },
	{ what: `${FILES} small files, on the disk`, parent: tmpdir(), zstd: false, fill: fillMany },
];

export async function backup({ backups }: Volumed, path: string, zstd: boolean): Promise<void> {
	const compression = zstd ? "COMPRESSION_ZSTD" : "COMPRESSION_NONE";
	const request = BackupVolumeRequest.fromPartial({ volume: "full", path, compression });
	for await (const _ of backups.backupVolume(request)) continue;
}

export async function restore({ backups }: Volumed, volume: string, path: string): Promise<void> {
	const messages = async function* () {
		yield RestoreVolumeRequest.fromPartial({ part: { $case: "spec", value: { volume, path, create: true } } });
	};
	for await (const _ of backups.restoreVolume(messages())) continue;
}

export function fillMany(content: string): void {
	for (let folder = 0; folder < FOLDERS; folder++) {
		mkdirSync(join(content, `d${folder}`));
		for (let file = 0; file < FILES / FOLDERS; file++) {
			writeFileSync(join(content, `d${folder}/f${file}`), `${folder} ${file} `.repeat(1 + ((folder * file) % 300)));
		}
	}
}

/** Half of it random, half of it text. */
export function fillOne(content: string): void {
	const file = openSync(join(content, "large"), "w");
	const text = Buffer.alloc(MIB, "all work and no play makes jack a dull boy. ");
	for (let index = 0; index < 512; index++) {
		writeSync(file, text);
		writeSync(file, randomFillSync(Buffer.alloc(MIB)));
	}
	closeSync(file);
}

export async function archives(report: Report): Promise<void> {
	for (const one of CASES) await compared(one, report);
}

async function compared({ what, parent, zstd, fill }: Case, report: Report): Promise<void> {
	await using volumed = await Volumed.start(parent);
	const { root } = volumed;
	const { volume } = await volumed.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "full" }));
	const content = volume?.mountpoint ?? "";
	fill(content);
	const program = zstd ? [ZSTD] : [];
	const [out, back, tarOut, tarIn] = [new Times(), new Times(), new Times(), new Times()];
	// Ours are on the disk when they are told of; tar's are when they have been synced.
	const [tarOutSync, tarInSync] = [new Times(), new Times()];
	const isOnDisk = parent === tmpdir();
	await times(ROUNDS, async (round) => {
		const [theirs, ours] = [join(root, `theirs${round}.tar`), join(root, `ours${round}.tar`)];
		const target = join(root, `extracted${round}`);
		mkdirSync(target);
		const restored = join(root, "volumes", `restored-${round}`, "_data");
		const asTar = async (): Promise<void> => {
			await tarOut.of(() => execFileSync("tar", [...CREATE, ...program, "-cf", theirs, "-C", content, "."]));
			if (isOnDisk) await tarOutSync.of(() => execFileSync("sync", [theirs]));
			await tarIn.of(() => execFileSync("tar", [...EXTRACT, ...program, "-xf", theirs, "-C", target]));
			if (isOnDisk) await tarInSync.of(() => execFileSync("sync", ["-f", target]));
			remove(theirs, target);
		};
		const asVolumed = async (): Promise<void> => {
			await out.of(() => backup(volumed, ours, zstd));
			await back.of(() => restore(volumed, `restored-${round}`, ours));
			remove(ours, restored);
		};
		const remove = (...paths: string[]): void => {
			// On a disk the next files would be slow for it: ext4 looks for inodes that were not just given back.
			if (!isOnDisk) for (const path of paths) rmSync(path, { recursive: true });
		};
		// In turns who is first, and each has the same memory: on a virtual machine what was not just given back takes ten times as long.
		for (const side of round % 2 === 0 ? [asTar, asVolumed] : [asVolumed, asTar]) await side();
	});
	const compare = (act: string, ours: Times, theirs: Times, sync: Times, aim: string): void => {
		const synced = theirs.median + sync.median;
		const onDisk = isOnDisk
			? `; and synced, as ours is: ${synced.toFixed(0)} ms, ${(ours.median / synced).toFixed(2)}x`
			: "";
		report({
			figure: `${act} ${what}`,
			ours: `${ours.median.toFixed(0)} ms, ${(ours.median / theirs.median).toFixed(2)}x`,
			aim,
			beside: `GNU tar with the same flags: ${theirs.median.toFixed(0)} ms${onDisk}`,
		});
	};
	compare("back up", out, tarOut, tarOutSync, "1.25x");
	compare("restore", back, tarIn, tarInSync, "1.4x");
}
