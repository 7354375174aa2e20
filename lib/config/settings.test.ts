import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, expectTypeOf, test } from "vitest";
import { catalogue } from "#lib/fault/catalogue.ts";
import { boolean, duration, integer, list, oneOf, type Parser, parsedBy, path, string } from "./parsers.ts";
import { readSettings, variableOf } from "./settings.ts";

const SCHEMA = {
	level: { key: "logLevel", parse: oneOf(["info", "debug"]), default: "info", doc: "How much is logged." },
	servers: { key: "nats.servers", parse: list(string), default: undefined, doc: "Where NATS is." },
	pass: { key: "nats.pass", parse: string, default: undefined, doc: "The password for NATS.", secret: true },
	mtu: { key: "netd.linkMtu", parse: integer({ min: 68, max: 65535 }), default: 1500, doc: "Of links." },
} as const;

let folder: string;
let file: string;
beforeEach(() => {
	folder = mkdtempSync(join(tmpdir(), "wharf-settings-"));
	file = join(folder, "wharf.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function read(env: Record<string, string> = {}, content?: unknown) {
	if (content !== undefined) writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
	return readSettings({ env, file, schema: SCHEMA });
}

describe("readSettings", () => {
	test("defaults hold when nobody says anything", () => {
		const settings = read({ WHARF_OTHER: "x", WHARF_LOG_LEVEL: "" });
		expect(settings).toEqual({ level: "info", servers: undefined, pass: undefined, mtu: 1500 });
		expectTypeOf(settings.mtu).toEqualTypeOf<number>();
		expectTypeOf(settings.level).toEqualTypeOf<"info" | "debug">();
		expectTypeOf(settings.servers).toEqualTypeOf<readonly string[] | undefined>();
	});

	test("the file says more than the defaults, the environment more than the file", () => {
		const content = { logLevel: "debug", nats: { servers: ["a", "b"] }, netd: { linkMtu: 9000 } };
		expect(read({}, content)).toEqual({ level: "debug", servers: ["a", "b"], pass: undefined, mtu: 9000 });
		expect(read({ WHARF_NETD_LINK_MTU: "1400", WHARF_NATS_SERVERS: "c, d" }, content)).toMatchObject({
			mtu: 1400,
			servers: ["c", "d"],
		});
	});

	test("an error names the setting, the value and what is allowed", () => {
		expect(() => read({ WHARF_NETD_LINK_MTU: "12" })).toThrow(
			'WHARF_NETD_LINK_MTU is "12"; allowed is a whole number from 68 to 65535.',
		);
		expect(() => read({}, { logLevel: 3 })).toThrow(`logLevel in ${file} is 3; allowed is info, debug.`);
	});

	test("an error does not show a secret", () => {
		expect(() => read({}, { nats: { pass: 12345 } })).toThrow(/^((?!12345).)*$/);
	});

	test("a key that does not exist is refused with the nearest that does", () => {
		const refusal = (content: unknown) => {
			try {
				read({}, content);
			} catch (error) {
				return error;
			}
			return undefined;
		};
		expect(refusal({ netd: { linkmut: 1 } })).toMatchObject({
			domain: "config",
			reason: "UNKNOWN_SETTING",
			metadata: { setting: "netd.linkmut", nearest: "netd.linkMtu", file },
		});
		expect(refusal({ loglevel: "info" })).toMatchObject({ metadata: { nearest: "logLevel" } });
		expect(refusal({ ipmad: { x: 1 } })).toMatchObject({ metadata: { setting: "ipmad.x", nearest: "ipamd" } });
	});

	test("the sections of other services are their own business", () => {
		expect(read({}, { volumed: { anything: { deep: 1 } }, ipamd: {} })).toMatchObject({ mtu: 1500 });
	});

	test("a file that is no JSON object, or cannot be read, is refused by name", () => {
		expect(() => read({}, "{ nats: ")).toThrow(`${file} cannot be used: `);
		expect(() => read({}, [1])).toThrow("it holds no JSON object");
		expect(() => readSettings({ env: {}, file: folder, schema: SCHEMA })).toThrow("EISDIR");
	});

	test("the variable of a key", () => {
		expect(["nats.servers", "netd.linkMtu", "ipv6"].map(variableOf)).toEqual([
			"WHARF_NATS_SERVERS",
			"WHARF_NETD_LINK_MTU",
			"WHARF_IPV6",
		]);
	});
});

describe("parsers", () => {
	const faults = catalogue("test", { NO: { code: "INVALID_ARGUMENT", message: () => "no" } });
	const even = parsedBy("an even number", (text) => {
		if (Number(text) % 2 !== 0) throw faults.NO({});
		return Number(text) / 2;
	});
	const cases: [string, Parser<unknown>, [unknown, unknown][], unknown[]][] = [
		["string", string, [["x", "x"]], ["", 1, null]],
		[
			"boolean",
			boolean,
			[
				["true", true],
				[false, false],
			],
			["yes", 1, ""],
		],
		[
			"integer",
			integer({ min: -1, max: 5 }),
			[
				["5", 5],
				["-1", -1],
				[0, 0],
			],
			["6", "1.5", "0x1", " 1", 1.5, "", null, true],
		],
		[
			"duration",
			duration({ maxMs: 86_400_000 }),
			[
				["250ms", 250],
				["5s", 5_000],
				["2m", 120_000],
				["1d", 86_400_000],
			],
			["2d", "5", 5, "1.5s", "-1s"],
		],
		["oneOf", oneOf(["a", "b"]), [["a", "a"]], ["c", 1]],
		[
			"list",
			list(integer({ min: 0, max: 9 })),
			[
				["1, 2", [1, 2]],
				[
					[3, 4],
					[3, 4],
				],
				[" ", []],
			],
			["1,,2", [1, "x"], 3],
		],
		["path", path, [["/a/../b", "/b"]], ["a", "", 1, "/a\0"]],
		["parsedBy", even, [["8", 4]], ["7", 8]],
	];
	test.each(cases)("%s", (_, parser, taken, refused) => {
		for (const [given, value] of taken) expect(parser.parse(given)).toEqual(value);
		expect(refused.filter((given) => parser.parse(given) !== undefined)).toEqual([]);
	});
});
