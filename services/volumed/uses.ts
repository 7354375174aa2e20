/** Who uses a volume, as the store has it: containers that are attached, paths of the host, processes that it was mounted into. */
import type { Store } from "#lib/store/store.ts";

/** Somebody who uses a volume, in words for a sentence. */
export type User = string;

interface Row {
	readonly kind: "attachment" | "publication" | "live";
	readonly id: string;
	readonly name: string;
}

const USERS = `
	SELECT 'attachment' AS kind, container_id AS id, container_name AS name FROM attachment_volume
		JOIN attachment ON attachment.row = attachment_volume.attachment WHERE volume = ?1
	UNION SELECT 'publication', path, '' FROM publication WHERE volume = ?1
	UNION SELECT 'live', container_id, container_name FROM live_mount WHERE volume = ?1`;

/** What is on its way out counts until it is gone: a view is known by what it shows, and that has to be there for it. */
const MOUNTED = `
	SELECT 1 FROM attachment_volume JOIN attachment ON attachment.row = attachment_volume.attachment
		WHERE volume = ?1 AND active = 1
	UNION ALL SELECT 1 FROM publication WHERE volume = ?1
	UNION ALL SELECT 1 FROM live_mount WHERE volume = ?1 LIMIT 1`;

const SHOWN = 5;

export class Uses {
	readonly #store: Store;

	constructor(store: Store) {
		this.#store = store;
	}

	/** `web (0123456789ab)`, `the path /srv/data`; those of containers first. */
	of(volume: string): User[] {
		const rows = this.#store.all<Row>(USERS, volume);
		const containers = rows.filter(({ kind }) => kind !== "publication").map(containerText);
		const paths = rows.filter(({ kind }) => kind === "publication").map(({ id }) => `the path ${id}`);
		return [...new Set([...containers, ...paths])];
	}

	/** Somebody uses it for whom it has to be mounted. */
	areMounted(volume: string): boolean {
		return this.#store.get(MOUNTED, volume) !== undefined;
	}
}

/** For sentences; the first ones, and how many more. */
export function usersText(users: readonly User[]): string {
	const more = users.length > SHOWN ? [`${users.length - SHOWN} more`] : [];
	return [...users.slice(0, SHOWN), ...more].join(", ");
}

function containerText({ id, name }: Row): User {
	const short = id.slice(0, 12);
	return name === "" ? short : `${name} (${short})`;
}
