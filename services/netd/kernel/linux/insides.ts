/**
 * Doors to the insides of namespaces: a socket is of the namespace in which it was opened, so whoever holds one asks there without
 * going in. Going in and opening one takes some 80 µs, and an operation asks four or five times.
 */
import { isErrno } from "#lib/linux/libc.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";

/** Open as long as it is held; it keeps the namespace. */
export interface Inside extends Disposable {
	readonly rtnl: Rtnetlink;
}

interface Door {
	readonly rtnl: Rtnetlink;
	holders: number;
}

export class Insides {
	readonly #doors = new Map<string, Door>();

	/** All who hold the same namespace's at a time share one. ENOENT where there is none. */
	open(netns: string): Inside {
		const door = this.#doors.get(netns) ?? { rtnl: Rtnetlink.open(netns), holders: 0 };
		door.holders += 1;
		this.#doors.set(netns, door);
		return { rtnl: door.rtnl, [Symbol.dispose]: () => this.#close(netns, door) };
	}

	/** As `open`; undefined where there is none. */
	find(netns: string): Inside | undefined {
		try {
			return this.open(netns);
		} catch (error) {
			if (isErrno(error, "ENOENT")) return undefined;
			throw error;
		}
	}

	#close(netns: string, door: Door): void {
		door.holders -= 1;
		if (door.holders > 0) return;
		this.#doors.delete(netns);
		door.rtnl[Symbol.dispose]();
	}
}
