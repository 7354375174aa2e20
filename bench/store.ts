/**
 * Durable writes a second through lib/store, with 1 and with 64 of them in flight, and beside each the floor:
 * the same rows through a bare connection of node:sqlite, one COMMIT a row. Medians of five alternating runs.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { Store } from "#lib/store/store.ts";
import { median } from "./support/figures.ts";

const RUNS = 5;
const RUN_MS = 1_000;
const SCHEMA = "CREATE TABLE row (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT";
const INSERT = "INSERT INTO row (name) VALUES (?)";

let names = 0;
const nextName = (): string => `row-${names++}`;

async function throughStore(store: Store, inFlight: number): Promise<number> {
	let rows = 0;
	const end = performance.now() + RUN_MS;
	const writer = async (): Promise<void> => {
		while (performance.now() < end) {
			await store.write([{ sql: INSERT, params: [nextName()] }]);
			rows++;
		}
	};
	await Promise.all(Array.from({ length: inFlight }, writer));
	return (rows * 1000) / RUN_MS;
}

function bare(database: DatabaseSync): number {
	const insert = database.prepare(INSERT);
	let rows = 0;
	for (const end = performance.now() + RUN_MS; performance.now() < end; rows++) insert.run(nextName());
	return (rows * 1000) / RUN_MS;
}

const folder = mkdtempSync(join(tmpdir(), "wharf-bench-store-"));
try {
	await using store = await Store.open({ path: join(folder, "store.db"), migrations: [SCHEMA] });
	using database = new DatabaseSync(join(folder, "bare.db"));
	database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${SCHEMA}`);
	const rates = { bare: [] as number[], one: [] as number[], many: [] as number[] };
	for (let run = 0; run < RUNS; run++) {
		rates.bare.push(bare(database));
		rates.one.push(await throughStore(store, 1));
		rates.many.push(await throughStore(store, 64));
	}
	const { transactions, commits } = store.stats;
	const line = (what: string, rate: number): string =>
		`${what.padEnd(40)}${Math.round(rate).toString().padStart(8)} /s`;
	console.log(`durable writes, synchronous=FULL, in ${folder}`);
	console.log(line("node:sqlite, one COMMIT a row", median(rates.bare)));
	console.log(line("lib/store, 1 in flight", median(rates.one)));
	console.log(line("lib/store, 64 in flight", median(rates.many)));
	console.log(`${(transactions / commits).toFixed(1)} transactions a COMMIT over all`);
} finally {
	rmSync(folder, { recursive: true, force: true });
}
