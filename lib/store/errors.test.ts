import { DatabaseSync } from "node:sqlite";
import { describe, expect, test } from "vitest";
import { errorOf, failureOf } from "./errors.ts";

const SCHEMA = `
	CREATE TABLE parent (id INTEGER PRIMARY KEY) STRICT;
	CREATE TABLE network (
		id INTEGER PRIMARY KEY,
		name TEXT NOT NULL UNIQUE,
		size INTEGER CONSTRAINT small CHECK (size < 5),
		parent INTEGER REFERENCES parent (id),
		a TEXT, b TEXT,
		UNIQUE (a, b)
	) STRICT;
	CREATE UNIQUE INDEX network_size ON network (size + 100);
	CREATE TRIGGER keep BEFORE DELETE ON network BEGIN SELECT RAISE(ABORT, 'networks stay'); END;
	INSERT INTO network (id, name, size, a, b) VALUES (1, 'one', 3, 'x', 'y'), (2, 'zwei', 4, 'p', 'q');
`;

function errorFrom(sql: string): Error {
	const database = new DatabaseSync(":memory:");
	database.exec(SCHEMA);
	try {
		database.exec(sql);
	} catch (error) {
		return errorOf(structuredClone(failureOf(error, sql)), "/state/netd.db");
	} finally {
		database.close();
	}
	throw new Error(`accepted: ${sql}`);
}

describe("constraints", () => {
	const cases: [string, string, string[], string][] = [
		["INSERT INTO network (name) VALUES ('one')", "unique", ["network.name"], ""],
		["INSERT INTO network (id, name) VALUES (1, 'two')", "unique", ["network.id"], ""],
		["UPDATE network SET a = 'x', b = 'y' WHERE id = 2", "unique", ["network.a", "network.b"], ""],
		["INSERT INTO network (name, size) VALUES ('two', 3)", "unique", [], "network_size"],
		["INSERT INTO network (name) VALUES (NULL)", "not-null", ["network.name"], ""],
		["INSERT INTO network (name, size) VALUES ('two', 9)", "check", [], "small"],
		["INSERT INTO network (name, parent) VALUES ('two', 9)", "foreign-key", [], ""],
		["DELETE FROM network", "check", [], "networks stay"],
	];
	test.each(cases)("%s", (sql, kind, columns, constraint) => {
		expect(errorFrom(sql)).toMatchObject({ name: "ConstraintError", kind, columns, constraint });
	});
});

test("a statement that is wrong is a bug that names it", () => {
	expect(errorFrom("SELECT absent").message).toBe("/state/netd.db: no such column: absent: SELECT absent");
	expect(errorFrom("INSERT INTO network (name, size) VALUES ('two', 'x')")).not.toHaveProperty("kind");
});

test("a full disk and a damaged file are told from each other", () => {
	const sqlite = (errcode: number, message: string) =>
		errorOf(failureOf(Object.assign(new Error(message), { errcode })), "/state/netd.db");
	expect(sqlite(13, "database or disk is full")).toMatchObject({ code: "UNAVAILABLE", reason: "STORE_UNAVAILABLE" });
	expect(sqlite(10 | (3 << 8), "disk I/O error")).toMatchObject({ reason: "STORE_UNAVAILABLE" });
	expect(sqlite(26, "file is not a database")).toMatchObject({ code: "DATA_LOSS", reason: "STORE_CORRUPT" });
});
