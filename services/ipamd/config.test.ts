import { expect, test } from "vitest";
import { readSettings } from "#lib/config/settings.ts";
import { poolsOf, SCHEMA } from "./config.ts";

function pools(text: string): string[] {
	const { addressPools } = readSettings({
		env: { WHARF_IPAMD_ADDRESS_POOLS: text },
		file: "/nonexistent/wharf.json",
		schema: SCHEMA,
	});
	return poolsOf(addressPools, "host").map(({ base, prefix }) => `${base}:${prefix}`);
}

test("configured pools replace the default ones of their family", () => {
	expect(pools("10.20.0.0/16:24, 10.30.0.0/24")).toEqual([
		"10.20.0.0/16:24",
		"10.30.0.0/24:24",
		expect.stringMatching(/^fd.*\/48:64$/),
	]);
	expect(pools("fd00:20::/48:64").slice(0, 2)).toEqual(["fd00:20::/48:64", "172.17.0.0/16:16"]);
	expect(pools("fd00:20::/48:64").at(-1)).toBe("10.0.0.0/9:21");
	expect(pools("")).toHaveLength(10);
});

test.each(["10.20.0.0", "10.20.0.1/16:24", "10.20.0.0/16:8", "10.20.0.0/16:32", "10.20.0.0/16:x", "x/16:24"])(
	"%s is refused",
	(text) => {
		expect(() => pools(text)).toThrow(/WHARF_IPAMD_ADDRESS_POOLS is ".*"; allowed is a list .* as 10\.20\.0\.0\/16:24/);
	},
);
