/** Which volumes `volume backup` is about: those that are named, those that a filter fits, or all. */
import {
	GetVolumeRequest,
	ListVolumesRequest,
	type Volume,
	VolumeServiceService,
} from "#gen/wharf/volume/v1/volume.ts";
import { allPages } from "#lib/rpc/all-pages.ts";
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

/** All of them are there. Faults: VOLUME_NOT_FOUND, NO_VOLUME_FITS. */
export async function chosenVolumes(
	{ names, filter, all }: Choice,
	{ paths }: Pick<Terminal, "paths">,
): Promise<Volume[]> {
	using volumed = connect(paths, "volumed", VolumeServiceService);
	if (names.length > 0) {
		const answers = [...new Set(names)].map((name) => volumed.getVolume(GetVolumeRequest.fromPartial({ name })));
		return (await Promise.all(answers)).flatMap(({ volume }) => (volume === undefined ? [] : [volume]));
	}
	const asked = all ? {} : parseVolumeFilter(filter);
	const volumes = await allPages(
		(page) => volumed.listVolumes(ListVolumesRequest.fromPartial({ ...asked, ...page })),
		(answer) => answer.volumes,
	);
	if (volumes.length === 0) throw backupFaults.NO_VOLUME_FITS({ filter: filter.join(" ") });
	return volumes;
}
