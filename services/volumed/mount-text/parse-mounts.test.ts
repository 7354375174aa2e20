import { array, assert, constantFrom, property, record, string, oneof } from "fast-check";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { isFault } from "#lib/fault/fault.ts";
import type { MountGrammar } from "./grammar.ts";
import { parseMounts } from "./parse-mounts.ts";

const parse = (...texts: [MountGrammar, string][]) =>
	parseMounts({
		texts: texts.map(([grammar, text]) => ({ grammar, text })),
		workingDirectory: "/home/me",
		volumeDriver: "plugin",
	});

describe("mounts of one container", () => {
	test("each in its grammar, in their order", () => {
		const mounts = parse(
			["tmpfs", "/run"],
			["volume", "data:/data:ro"],
			["mount", "type=bind,src=.,dst=/src"],
			["volume", "/scratch"],
		);
		expect(mounts).toMatchObject([
			{ destination: "/run", source: { kind: "tmpfs" } },
			{ destination: "/data", readOnly: true, source: { kind: "volume", name: "data", driver: "plugin" } },
			{ destination: "/src", source: { kind: "bind", path: "/home/me", create: false } },
			{ destination: "/scratch", source: { kind: "volume", name: undefined, driver: "plugin" } },
		]);
		expect(parse()).toEqual([]);
	});

	test("no two at one destination, whatever they are", () => {
		const twice = [
			() => parse(["volume", "data:/x"], ["volume", "/a:/x"]),
			() => parse(["volume", "/x"], ["tmpfs", "/x/"]),
			() => parse(["mount", "type=tmpfs,dst=/x"], ["tmpfs", "/x"]),
			() => parse(["tmpfs", "//x/."], ["tmpfs", "/x"]),
		];
		for (const body of twice) {
			expect(body).toThrow(
				expect.objectContaining({
					reason: "DUPLICATE_DESTINATION",
					field: "texts[1]",
					metadata: { destination: "/x" },
				}),
			);
		}
		expect(parse(["volume", "data:/x"], ["volume", "data:/y"])).toHaveLength(2);
	});

	test.each([
		["volume", "-x:/y", "INVALID_NAME"],
		["volume", "data:/", "INVALID_DESTINATION"],
		["volume", "data:/x:roo", "UNKNOWN_MOUNT_OPTION"],
		["volume", "data\0:/x", "INVALID_MOUNT"],
		["mount", "source=data\0,target=/x", "INVALID_MOUNT"],
		["tmpfs", "/x:size=\0", "INVALID_MOUNT"],
		["tmpfs", "/x:size=?", "INVALID_OPTION"],
	] as const)("a fault says which text it is of: %s %j", (grammar, text, reason) => {
		expect(() => parse(["volume", "/ok"], [grammar, text])).toThrow(
			expect.objectContaining({ reason, field: "texts[1]" }),
		);
	});
});

/** What the grammars are made of, and what they are not. */
const PIECES = [
	...'/ /a /a/b data db . .. ./x ../x ~ ~/x : :: , ,, = ; # - @ " "" \n \0 é % ro rw z Z nocopy cached rslave private idmap'.split(
		" ",
	),
	..."type=bind type=volume type=tmpfs type=image type= source=/a src=. src=data target=/t dst=/t/ dst=../t readonly ro=0".split(
		" ",
	),
	..."bind-propagation=rslave bind-recursive=readonly bind-create-src volume-nocopy=1 volume-opt=a=b volume-label==".split(
		" ",
	),
	..."volume-subpath=a/../.. volume-subpath=x tmpfs-size=1.5g tmpfs-mode=1777 idmap=uids=0-1-2 ;gids=1-2-3 #4-5-6".split(
		" ",
	),
	..."size=64m size=50% mode=700 noexec uid=1 huge=always defaults remount".split(" "),
	"with space",
	" ",
];
const TEXT = array(
	oneof(
		{ arbitrary: constantFrom(...PIECES), weight: 20 },
		{ arbitrary: string({ unit: "binary", maxLength: 3 }), weight: 1 },
	),
	{
		maxLength: 12,
	},
).map((pieces) => pieces.join(""));
/** Pieces of one grammar, joined as it joins them: these are often right. */
const WELL_JOINED = oneof(
	array(constantFrom(...PIECES.filter((piece) => /^[a-z]/.test(piece))), { minLength: 1, maxLength: 6 }).map((parts) =>
		parts.join(","),
	),
	array(constantFrom("/a", "data", "./x", "/b/../c", "/t", "ro", "ro,z", "size=64m,noexec"), {
		minLength: 1,
		maxLength: 3,
	}).map((parts) => parts.join(":")),
);
const GRAMMAR = constantFrom<MountGrammar>("volume", "mount", "tmpfs");

/** `read`, `refused`, or what is wrong with the outcome. */
function outcomeOf(grammar: MountGrammar, text: string): string {
	try {
		const [mount] = parse([grammar, text]);
		const { destination = "", source } = mount ?? {};
		if (destination === "/" || posix.resolve(destination) !== destination) return `the destination ${destination}`;
		if (source?.kind === "bind" && posix.resolve(source.path) !== source.path) return `the path ${source.path}`;
		const isOutside = source?.kind === "volume" && /^\/|^\.\.(\/|$)|\/$/.test(source.subpath);
		return isOutside ? `the subpath ${source.subpath}` : "read";
	} catch (error) {
		if (!isFault(error)) return `it throws ${String(error)}`;
		return error.domain === "volumed" && error.field === "texts[0]" ? "refused" : `a fault of ${error.field}`;
	}
}

test("20,000 random texts are read, or refused by a fault of theirs", () => {
	let read = 0;
	const text = oneof(TEXT, WELL_JOINED);
	assert(
		property(record({ grammar: GRAMMAR, text }), (one) => {
			const outcome = outcomeOf(one.grammar, one.text);
			read += Number(outcome === "read");
			expect(["read", "refused"]).toContain(outcome);
		}),
		{ numRuns: 20_000, examples: [[{ grammar: "volume", text: "/\n/" }]] },
	);
	// Otherwise only refusals were tried.
	expect(read).toBeGreaterThan(500);
});
