/** Where the data of a sparse file is, as it stands before its content. */
import type { Extent } from "#lib/linux/files/content.ts";
import { padded } from "../archive/header.ts";

/** GNU's sparse format 1.0: how many, then where and how long each is, a number a line, filled up to a block. */
export function sparseMap(extents: readonly Extent[], size: number): Buffer {
	// A hole at the end is an extent of nothing there.
	const all = [...extents, { start: size, length: 0 }];
	const text = `${all.length}\n${all.map(({ start, length }) => `${start}\n${length}\n`).join("")}`;
	const map = Buffer.alloc(padded(text.length));
	map.write(text, "latin1");
	return map;
}
