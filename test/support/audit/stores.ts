/** What the services' stores say, read from the files by this process: no service is asked. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

export type Row = Readonly<Record<string, unknown>>;

/** The store's own tables: answers kept for a day, events on their way, the file's identity. */
const OWN_TABLES = ["replay", "outbox", "meta"];

export const SERVICES = ["ipamd", "netd", "volumed", "gateway"] as const;
export type Service = (typeof SERVICES)[number];

function open(root: string, service: Service): DatabaseSync | undefined {
	const path = join(root, "state", `${service}.db`);
	return existsSync(path) ? new DatabaseSync(path, { readOnly: true }) : undefined;
}

/** The rows of one query; none when the service has no store. */
export function rows(root: string, service: Service, sql: string): Row[] {
	const database = open(root, service);
	try {
		return database?.prepare(sql).all() ?? [];
	} finally {
		database?.close();
	}
}

/** Whatever columns they have. */
function byText(a: Row, b: Row): number {
	const [one, other] = [JSON.stringify(a), JSON.stringify(b)];
	return one < other ? -1 : Number(one > other);
}

/** Every row of every table of every service but the store's own, by `service.table`. */
export function dump(root: string): Record<string, Row[]> {
	const tables: Record<string, Row[]> = {};
	for (const service of SERVICES) {
		const names = rows(
			root,
			service,
			"SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name",
		);
		for (const name of names.map((row) => String(row["name"]))) {
			if (!OWN_TABLES.includes(name))
				tables[`${service}.${name}`] = rows(root, service, `SELECT * FROM "${name}"`).sort(byText);
		}
	}
	return tables;
}
