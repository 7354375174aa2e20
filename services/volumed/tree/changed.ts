/** The second pass over a tree: what has changed since the first one, and what has gone. */
import { S_IFDIR } from "#lib/linux/files/status.ts";
import type { TreeCursor } from "./cursor.ts";
import { isBefore, type Seen, stampOf } from "./seen.ts";

/**
 * Goes to each that is not as `seen` has it. `gone` is told of what is not there any more, parents before children, and what was in a
 * directory before whatever has the directory's name now.
 */
export function* changedSince(cursor: TreeCursor, seen: Seen, gone: (path: string) => void): Generator<void> {
	const before = seen.all();
	let next = before.next().value;
	const passGone = (isGone: (path: string) => boolean): void => {
		for (; next !== undefined && isGone(next.path); next = before.next().value) gone(next.path);
	};
	while (cursor.next()) {
		const { path, status } = cursor;
		passGone((other) => other !== path && isBefore(other, path));
		const isSame = next?.path === path && next.stamp !== "" && next.stamp === stampOf(status);
		if (next?.path === path) next = before.next().value;
		if (isSame) continue;
		if (status.type !== S_IFDIR) passGone((other) => other.startsWith(`${path}/`));
		yield;
	}
	passGone(() => true);
}
