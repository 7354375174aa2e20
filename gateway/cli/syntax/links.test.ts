import { expect, test } from "vitest";
import { parseExtraHost } from "./extra-hosts.ts";
import { parseLink } from "./links.ts";

test.each([
	["db", { container: "db", alias: "" }],
	["db:store", { container: "db", alias: "store" }],
])("link %s", (text, wish) => expect(parseLink(text)).toEqual(wish));

test.each(["", ":store", "db:", "db:store:kv"])("%j is no link", (text) =>
	expect(() => parseLink(text)).toThrow(/^The link ".*" is not valid: it has to be CONTAINER or CONTAINER:ALIAS/),
);

test.each([
	["db:192.0.2.1", { name: "db", address: "192.0.2.1" }],
	["db=192.0.2.1", { name: "db", address: "192.0.2.1" }],
	["db:fd00::9", { name: "db", address: "fd00::9" }],
	["db=fd00::9", { name: "db", address: "fd00::9" }],
	["db:[fd00::9]", { name: "db", address: "fd00::9" }],
	["host.docker.internal:host-gateway", { name: "host.docker.internal", address: "host-gateway" }],
])("extra host %s", (text, wish) => expect(parseExtraHost(text)).toEqual(wish));

test.each(["", "db", "db:", ":192.0.2.1", "=192.0.2.1", "db:[]"])("%j is no extra host", (text) =>
	expect(() => parseExtraHost(text)).toThrow(/^The extra host ".*" is not valid: it has to be NAME:ADDRESS/),
);
