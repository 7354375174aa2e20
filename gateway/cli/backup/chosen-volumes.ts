/** Which volumes `volume backup` is about: those that are named, those that a filter fits, or all. */
import {
	GetVolumeRequest,
	ListVolumesRequest,
	type Volume,
	VolumeServiceService,
} from "#gen/wharf/volume/v1/volume.ts";
import { isFault } from "#lib/fault/fault.ts";
import { allPages } from "#lib/rpc/all-pages.ts";
import type { ClientOf } from "#lib/rpc/client.ts";
import { connect } from "../requests.ts";
import { syntaxFaults } from "../syntax/faults.ts";
import { parseVolumeFilter } from "../syntax/volume-filter.ts";
import type { Terminal } from "../terminal.ts";
import { backupFaults } from "./faults.ts";

export interface Choice {
	readonly names: readonly string[];
	readonly filter: readonly string[];
	readonly all: boolean;
}

/** Faults: FLAG_MISSING, INVALID_VALUE when it is said in two ways. */
export function checkChoice({ names, filter, all }: Choice): void {
	const ways = [names.length > 0, filter.length > 0, all].filter(Boolean).length;
	if (ways === 0) {
		throw syntaxFaults.FLAG_MISSING({ command: "volume backup", flag: "the names of volumes, --filter or --all" });
	}
	if (ways === 1) return;
	const value = "names, --filter and --all";
	throw syntaxFaults.INVALID_VALUE({ what: "The choice", value, allowed: "one of the three" });
}

/** All of them are there. Faults: VOLUMES_MISSING, NO_VOLUME_FITS. */
export async function chosenVolumes(
	{ names, filter, all }: Choice,
	{ paths }: Pick<Terminal, "paths">,
): Promise<Volume[]> {
	using volumed = connect(paths, "volumed", VolumeServiceService);
	if (names.length > 0) return await named(names, volumed);
	const asked = all ? {} : parseVolumeFilter(filter);
	const volumes = await allPages(
		(page) => volumed.listVolumes(ListVolumesRequest.fromPartial({ ...asked, ...page })),
		(answer) => answer.volumes,
	);
	if (volumes.length === 0) throw backupFaults.NO_VOLUME_FITS({ filter: filter.join(" ") });
	return volumes;
}

/** Each once. All that are missing are told together. */
async function named(names: readonly string[], volumed: ClientOf<VolumeServiceService>): Promise<Volume[]> {
	const missing: string[] = [];
	const answers = [...new Set(names)].map(async (name) => {
		try {
			return (await volumed.getVolume(GetVolumeRequest.fromPartial({ name }))).volume ?? [];
		} catch (error) {
			if (!isFault(error, "VOLUME_NOT_FOUND")) throw error;
			missing.push(name);
			return [];
		}
	});
	const volumes = (await Promise.all(answers)).flat();
	if (missing.length > 0) throw backupFaults.VOLUMES_MISSING({ volumes: missing.toSorted().join(" or ") });
	return volumes;
}
