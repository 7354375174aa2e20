/** A directory with a project of its own, on XFS or ext4 with project quotas: writing beyond the project's limit is ENOSPC or EDQUOT. */
import { randomInt } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { limitProject, projectOf, projectQuota, setProject } from "#lib/linux/project-quota.ts";
import { volumeFaults } from "../../faults.ts";
import { atSystem } from "../../kernel/system-fault.ts";
import { sizeOf } from "../local-options.ts";
import type { Backing, Place } from "./backing.ts";
import { makeInPlace } from "./in-place.ts";

/** Lower ones are where people begin to count in /etc/projid. */
const [LOWEST, BEYOND] = [0x10_0000, 0x7fff_ffff];

export class ProjectBacking implements Backing {
	async create(place: Place): Promise<void> {
		await atSystem(`making ${place.data} with a project`, place.folder, async () => {
			await makeInPlace(place, {
				make: (path) => make(path, place),
				clear: (path) => rm(path, { recursive: true, force: true }),
			});
		});
	}

	/** The project's number is free again; what it bounded is counted for it until it is off the disk. */
	async release({ folder, data }: Place): Promise<void> {
		await atSystem(`taking the limit off ${data}`, folder, async () => {
			const project = projectAt(data);
			if (project !== 0) limitProject(data, project, 0);
		});
		killPoint("volumed.local.limit.remove");
	}

	async enforcedBy({ data, options }: Place): Promise<string | undefined> {
		const project = projectAt(data);
		const limitBytes = project === 0 ? undefined : projectQuota(data, project)?.limitBytes;
		return limitBytes === blocksOf(sizeOf(options)) ? "project quota" : undefined;
	}
}

async function make(path: string, { options }: Place): Promise<void> {
	await mkdir(path, { mode: 0o755 });
	const project = freeProject(path);
	const limitBytes = sizeOf(options);
	// The limit is there before anything is the project's.
	limitProject(path, project, limitBytes);
	killPoint("volumed.local.limit");
	setProject(path, project);
	killPoint("volumed.local.project");
	if (projectQuota(path, project)?.limitBytes === blocksOf(limitBytes)) return;
	throw volumeFaults.KERNEL_REFUSED({ what: `limiting ${path}`, problem: "its limit is not what was set" });
}

/** Bounds are of whole blocks of 512 bytes. */
function blocksOf(bytes: number): number {
	return Math.floor(bytes / 512) * 512;
}

/** One that has neither a bound nor anything in it. */
function freeProject(path: string): number {
	for (;;) {
		const project = randomInt(LOWEST, BEYOND);
		const quota = projectQuota(path, project);
		if (quota === undefined || (quota.usedBytes === 0 && quota.limitBytes === undefined)) return project;
	}
}

function projectAt(path: string): number {
	try {
		return projectOf(path);
	} catch (error) {
		if (isErrno(error, "ENOENT", "ENOTDIR")) return 0;
		throw error;
	}
}
