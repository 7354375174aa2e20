/** docs/settings.md has every setting of every process, as the schemas say it. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { type Schema, variableOf } from "#lib/config/settings.ts";
import { commonSchema } from "#lib/daemon/common-settings.ts";
import { SCHEMA as gateway } from "../gateway/config.ts";
import { dnsdSchema as dnsd } from "../services/dnsd/config.ts";
import { SCHEMA as ipamd } from "../services/ipamd/config.ts";
import { schema as netd } from "../services/netd/config.ts";
import { SCHEMA as volumed } from "../services/volumed/config.ts";

const DOCUMENT = new URL("../docs/settings.md", import.meta.url);

function rowsOf(schema: Schema): string[] {
	return Object.values(schema).map(
		({ key, parse, doc }) => `| \`${key}\` | \`${variableOf(key)}\` | ${doc} | ${parse.allowed} |`,
	);
}

test("docs/settings.md", () => {
	const written = readFileSync(DOCUMENT, "utf8")
		.split("\n")
		.filter((line) => line.startsWith("| `"));
	// One that every service has under its own name.
	const { listen: _, ...common } = commonSchema("netd");
	const listening = ["ipamd", "netd", "dnsd", "volumed", "gateway"].map((name) => commonSchema(name).listen);
	const schemas: Schema[] = [netd, ipamd, dnsd, volumed, gateway, common, Object.fromEntries(listening.entries())];
	expect(written).toEqual(schemas.flatMap(rowsOf));
});
