/**
 * `idmap=uids=0-100000-65536;gids=0-100000-65536`, as Podman has it: first id on the disk, first id as it is seen, how many; several
 * ranges are joined by `#`. Groups are as users without `gids`.
 */
import type { Fault } from "#lib/fault/fault.ts";
import type { OwnerMap, OwnerRange } from "../attachment.ts";
import { invalidOption } from "./refusals.ts";

const FORM = "uids=ON_DISK-SEEN-COUNT[#…][;gids=…], as uids=0-100000-65536;gids=0-100000-65536";
/** The one behind is no id: (uid_t) -1. */
const IDS = 2 ** 32 - 1;
/** UID_GID_MAP_MAX_EXTENTS of the kernel. */
const MOST_RANGES = 340;

/** Of the word `idmap` alone: Podman takes the container's user namespace then, and containers of wharf have none. */
export function ownersUnsaid(): Fault {
	const value = "without ranges, and containers have no user namespace to take them from";
	return invalidOption("idmap", value, `idmap=${FORM}`);
}

/** Fault: INVALID_OPTION. */
export function parseOwnerMap(text: string): OwnerMap {
	const ranges = new Map<string, OwnerRange[]>();
	for (const part of text.split(";")) {
		const [, ids = "", list = ""] = /^(uids|gids)=(.+)$/.exec(part) ?? [];
		if (ids === "" || ranges.has(ids)) throw invalidOption("idmap", text, FORM);
		ranges.set(ids, parseRanges(text, list));
	}
	const uids = ranges.get("uids");
	if (uids === undefined) throw invalidOption("idmap", text, `${FORM}, and uids cannot be left out`);
	return { uids, gids: ranges.get("gids") ?? uids };
}

function parseRanges(text: string, list: string): OwnerRange[] {
	if (list.includes("@")) {
		throw invalidOption("idmap", text, `${FORM}; @ is relative to a user namespace, and containers have none`);
	}
	const ranges = list.split("#").map((range) => {
		const [, onDisk, seen, count] = /^(\d{1,10})-(\d{1,10})-(\d{1,10})$/.exec(range) ?? [];
		if (count === undefined || Number(count) === 0) throw invalidOption("idmap", text, FORM);
		return { onDisk: Number(onDisk), seen: Number(seen), count: Number(count) };
	});
	if (ranges.length > MOST_RANGES) throw invalidOption("idmap", text, `at most ${MOST_RANGES} ranges`);
	for (const side of ["onDisk", "seen"] as const) {
		let free = 0;
		for (const range of ranges.toSorted((a, b) => a[side] - b[side])) {
			if (range[side] < free) throw invalidOption("idmap", text, "ranges that do not overlap");
			free = range[side] + range.count;
		}
		if (free > IDS) throw invalidOption("idmap", text, `ids of at most ${IDS - 1}`);
	}
	return ranges;
}
