import { array, assert, boolean, constantFrom, oneof, property, record, string, uniqueArray } from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "#lib/fault/fault.ts";
import { type PathPatternTexts, PathPatterns } from "./path-patterns.ts";

const latin1 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");

/** What is said of a path; one that ends with a slash is a directory's. */
function verdict(path: string, { include = [], exclude = [] }: Partial<PathPatternTexts>): string {
	return PathPatterns.parse({ include, exclude }).verdict(latin1(path.replace(/\/$/, "")), path.endsWith("/"));
}

/** The fault's sentence, and the field that it is about. */
function refusal(include: readonly string[], exclude: readonly string[] = []): string {
	try {
		PathPatterns.parse({ include, exclude });
		return "none";
	} catch (error) {
		if (error instanceof Fault) return `${error.code} ${error.reason} ${error.field}: ${error.message}`;
		throw error;
	}
}

describe("an excluded pattern", () => {
	test.each<[string, string[], string[]]>([
		// A name anywhere, and everything below it.
		["a", ["a", "a/", "x/a", "x/y/a/", "a/x", "x/a/y/z"], ["aa", "A", "x/ab", "x/ba/y"]],
		["*.log", ["a.log", ".log", "x/b.log", "b.log/x"], ["a.log1", "alog", "x.log.gz"]],
		["*", ["a", ".a", "x/", "x/y"], []],
		// From the root.
		["/a", ["a", "a/", "a/x"], ["x/a", "x/a/"]],
		["a/b", ["a/b", "a/b/", "a/b/c"], ["x/a/b", "a", "a/", "b", "a/x/b"]],
		["/a/*", ["a/b", "a/b/c"], ["a/", "a", "x/a/b"]],
		["a/*.c", ["a/x.c"], ["a/b/x.c", "x.c"]],
		// Directories only.
		["a/", ["a/", "x/a/", "a/b", "x/a/b/c"], ["a", "x/a"]],
		["/a/b/", ["a/b/", "a/b/c"], ["a/b", "x/a/b/"]],
		["a/*/", ["a/b/", "a/b/c"], ["a/b", "a/"]],
		// Any number of parts.
		["**", ["a", "a/", "x/a"], []],
		["**/", ["a/", "x/a/", "x/a"], ["a"]],
		["**/a", ["a", "x/a", "x/y/a/b"], ["xa", "x/ya"]],
		["**/a/b", ["a/b", "x/a/b", "x/y/a/b/c"], ["a/x/b", "xa/b"]],
		["a/**", ["a/b", "a/b/", "a/b/c"], ["a/", "a", "x/a/b"]],
		["a/**/", ["a/b/", "a/b/c", "a/b/c/"], ["a/", "a/b"]],
		["/**", ["a", "x/a"], []],
		["a/**/b", ["a/b", "a/x/b", "a/x/y/b", "a/x/y/b/c"], ["a/xb", "ab", "x/a/b", "a/x/"]],
		["a/**/**/b", ["a/b", "a/x/b"], ["a/x"]],
		["**/a/**/b/**", ["a/b/x", "x/a/y/b/z/w"], ["a/b/", "b/a/x", "x/a/y/b"]],
		["a**b", ["ab", "axb", "x/axxb"], ["a/b", "ax/b"]],
		["a***", ["a", "axx"], ["ba"]],
		["a/***/b", ["a/b", "a/x/y/b"], ["a/xb"]],
		// One byte.
		["a?c", ["abc", "x/a.c"], ["ac", "abbc", "a/c"]],
		["[a-cx]1", ["a1", "b1", "c1", "x1"], ["d1", "-1", "1", "ab1"]],
		["[!a-c]", ["d", "-", "!"], ["a", "b", "c", "dd"]],
		["[^a]", ["b", "^"], ["a"]],
		["[]]", ["]"], ["[", "a"]],
		["[!]]", ["a"], ["]"]],
		["[]-a]", ["]", "^", "_", "`", "a"], ["b", "-", "["]],
		["[-a]", ["-", "a"], ["b"]],
		["[a-]", ["-", "a"], ["b"]],
		["[a\\-c]", ["a", "-", "c"], ["b"]],
		["[\\]]x", ["]x"], ["\\x"]],
		["[\\a-\\c]", ["b"], ["-", "\\"]],
		["[*?]", ["*", "?"], ["a"]],
		["[[]", ["["], ["a"]],
		["[a-a]", ["a"], ["b"]],
		["[a-c-e]", ["b", "-", "e"], ["d"]],
		// Quoted, or nothing but itself.
		["\\*", ["*", "x/*"], ["a"]],
		["a\\?", ["a?"], ["ab"]],
		["\\[a]", ["[a]"], ["a"]],
		["\\\\", ["\\"], ["a"]],
		["\\!a", ["!a"], ["a"]],
		["\\a", ["a"], ["\\a"]],
		["#a", ["#a"], ["a"]],
		["a!", ["a!"], ["a"]],
		["a]", ["a]"], ["a"]],
		[" a ", [" a "], ["a"]],
		["a.b+c(d)$^|{e,f}", ["a.b+c(d)$^|{e,f}"], ["axb+c(d)$^|{e,f}", "e"]],
		["...", ["..."], ["..", "a"]],
		// Names are bytes.
		["é*", ["é", "éa"], ["e", "a"]],
		["??", ["é", "ab"], ["ế", "a", "日"]],
		["日本/", ["日本/", "x/日本/a"], ["日本"]],
		["[!a]*", ["é", "日"], ["a"]],
	])("%j", (pattern, left, taken) => {
		expect(left.map((path) => [path, verdict(path, { exclude: [pattern] })])).toEqual(
			left.map((path) => [path, "leave"]),
		);
		expect(taken.map((path) => [path, verdict(path, { exclude: [pattern] })])).toEqual(
			taken.map((path) => [path, "take"]),
		);
	});

	test("has its wildcards for bytes that are no text", () => {
		const patterns = PathPatterns.parse({ include: [], exclude: ["a?b", "x[!y]z", "new\nline"] });
		const paths = ["a\xffb", "a\nb", "x\x80z", "x\nz", "new\nline", "new line", "a\xff\xffb", "xyz"];
		expect(paths.map((path) => patterns.verdict(path, false))).toEqual([
			...["leave", "leave", "leave", "leave", "leave"],
			...["take", "take", "take"],
		]);
	});
});

describe("what is included", () => {
	const data = { include: ["/srv/data/*.db", "keep/"], exclude: ["*.tmp"] };
	test.each([
		["", data, "leave"], // a file in the root's place; the root itself is a directory
		["/", data, "pass"],
		["srv/", data, "pass"],
		["srv", data, "leave"],
		["srv/data/", data, "pass"],
		["srv/data/a.db", data, "take"],
		["srv/data/a.db/", data, "take"],
		["srv/data/a.db/x/y", data, "take"],
		["srv/data/a.txt", data, "leave"],
		["srv/data/a.db/x.tmp", data, "leave"],
		["other/", data, "pass"], // `keep` could be in it
		["other/file", data, "leave"],
		["other/keep/", data, "take"],
		["other/keep/x", data, "take"],
		["other/keep", data, "leave"],
		["keep/x.tmp/y", data, "leave"],
		["/", { include: ["/a"] }, "pass"],
		["b/", { include: ["/a"] }, "leave"],
		["b/", { include: ["/a/b"] }, "leave"],
		["a/", { include: ["/a/b"] }, "pass"],
		["a/b/", { include: ["/a/b"] }, "take"],
		["a/c/", { include: ["/a/b", "/a/c/d/e"] }, "pass"],
		["a/c/d/", { include: ["/a/b", "/a/c/d/e"] }, "pass"],
		["a/c/e/", { include: ["/a/b", "/a/c/d/e"] }, "leave"],
		["a/", { include: ["a/**"] }, "pass"],
		["a/b/", { include: ["a/**"] }, "take"],
		["a/x/y/", { include: ["a/**/b"] }, "pass"],
		["b/", { include: ["a/**/b"] }, "leave"],
		["a/x/b/y/", { include: ["a/**/b/*.c"] }, "pass"],
		["x1/", { include: ["x[0-4]/y"] }, "pass"],
		["x5/", { include: ["x[0-4]/y"] }, "leave"],
		["a/", { include: ["/a"], exclude: ["/a"] }, "leave"],
		["a/b/", { include: ["/a/b"], exclude: ["/a"] }, "leave"],
		["/", { include: ["*"], exclude: ["*"] }, "pass"],
		["/", { exclude: ["**"] }, "take"],
		["x", {}, "take"],
	])("%j by %j: %s", (path, texts, said) => {
		expect(verdict(path, texts)).toBe(said);
	});
});

describe("refused", () => {
	test.each([
		["", "it names nothing"],
		["/", "it names nothing"],
		["//", "it has an empty part"],
		["a//b", "it has an empty part"],
		["a//", "it has an empty part"],
		["//a", "it has an empty part"],
		["./a", "it has a part `.`, which no path has"],
		["a/../b", "it has a part `..`, which no path has"],
		["\\.\\.", "it has a part `..`, which no path has"],
		["!a", "it begins with `!`, which takes nothing back here; `\\!` is the character itself"],
		["a\0b", "it has a zero byte, which no name has"],
		["a\uFFFD", "it has a byte that is no UTF-8; a `?` stands for any byte"],
		["a\uD800", "it has a byte that is no UTF-8; a `?` stands for any byte"],
		["a\\", "a part ends with a `\\` that quotes nothing"],
		["a\\/b", "a part ends with a `\\` that quotes nothing"],
		["[a", "a `[` has no `]` in its part; `\\[` is the character itself"],
		["[]", "a `[` has no `]` in its part; `\\[` is the character itself"],
		["[!]", "a `[` has no `]` in its part; `\\[` is the character itself"],
		["[a-", "a `[` has no `]` in its part; `\\[` is the character itself"],
		["[a/b]", "a `[` has no `]` in its part; `\\[` is the character itself"],
		["[a\\", "a part ends with a `\\` that quotes nothing"],
		["[z-a]", "the range `z-a` is empty"],
		["[[:alpha:]]", "it has a class with a name (`[:`), which is not known here"],
		["[é]", "a class has a letter of several bytes"],
		["[a-é]", "a class has a letter of several bytes"],
		["é".repeat(2_049), "it has more than 4096 bytes"],
	])("%j: %s", (pattern, problem) => {
		const shown = JSON.stringify(pattern.slice(0, 200));
		expect(refusal([pattern])).toBe(
			`INVALID_ARGUMENT INVALID_PATTERN include: ${shown} is no pattern for paths: ${problem}.`,
		);
		expect(refusal([], ["ok", pattern])).toMatch(/^INVALID_ARGUMENT INVALID_PATTERN exclude: /);
	});

	test("more than a thousand, both lists together", () => {
		const many = (count: number): string[] => Array.from({ length: count }, (_, index) => `f${index}`);
		expect(refusal(many(600), many(400))).toBe("none");
		expect(refusal(many(600), many(401))).toMatch(
			'exclude: "f400" is no pattern for paths: it is one of more than 1000.',
		);
		expect(refusal(many(1_001))).toMatch('include: "f1000" is no pattern for paths: it is one of more than 1000.');
		expect(refusal(["é".repeat(2_048)])).toBe("none");
	});

	test("any text is a pattern or a fault", () => {
		const text = oneof(
			string({ unit: "binary" }),
			array(constantFrom(..."[]!^-\\*?/a:.")).map((all) => all.join("")),
		);
		assert(
			property(text, text, (pattern, path) => {
				if (refusal([pattern]) !== "none") return;
				expect(["take", "pass", "leave"]).toContain(verdict(path, { include: [pattern] }));
			}),
			{ numRuns: 500 },
		);
	});
});

// A matcher that tries every way takes longer than the world is old for these.
test("many stars take no longer than a pattern's length times a path's", () => {
	const stars = `${"*a".repeat(1_000)}*b`;
	expect(verdict("a".repeat(4_000), { exclude: [stars] })).toBe("take");
	expect(verdict(`${"a".repeat(4_000)}b`, { exclude: [stars] })).toBe("leave");
	const parts = `${"**/a/".repeat(500)}b`;
	expect(verdict("a/".repeat(2_000), { exclude: [parts] })).toBe("take");
	expect(verdict(`${"a/".repeat(2_000)}b`, { exclude: [parts] })).toBe("leave");
	const both = `${"**/*a*a*a*b/".repeat(100)}c`;
	expect(verdict(`${"aaaaaaaa/".repeat(400)}c`, { include: [both] })).toBe("leave");
});

describe("as the rules say, tried every way", () => {
	const NAMES = ["a", "b", "aa", "ab", "ba", "bb"];
	const PIECES: Readonly<Record<string, string>> = { a: "a", b: "b", "?": "ab", "[ab]": "ab", "[!a]": "b", "\\a": "a" };
	/** A name's pieces, or any number of parts. */
	type Drawn = readonly string[] | "**";
	interface DrawnPattern {
		readonly parts: readonly Drawn[];
		readonly isForDirectories: boolean;
		readonly isAnchored: boolean;
	}

	const name = array(constantFrom("*", ...Object.keys(PIECES)), { minLength: 1, maxLength: 2 }).filter(
		(pieces) => pieces.join("") !== "**",
	);
	const pattern = record({
		parts: array(oneof(name, constantFrom<Drawn>("**")), { minLength: 1, maxLength: 3 }),
		isForDirectories: boolean(),
		isAnchored: boolean(),
	});
	const paths = array(constantFrom(...NAMES), { maxLength: 3 });
	const patterns = uniqueArray(pattern, { maxLength: 3 });

	function textOf({ parts, isForDirectories, isAnchored }: DrawnPattern): string {
		const text = parts.map((part) => (part === "**" ? part : part.join(""))).join("/");
		return `${isAnchored ? "/" : ""}${text}${isForDirectories ? "/" : ""}`;
	}

	function isName([piece, ...rest]: readonly string[], text: string): boolean {
		if (piece === undefined) return text === "";
		if (piece === "*") return isName(rest, text) || (text !== "" && isName([piece, ...rest], text.slice(1)));
		return text !== "" && (PIECES[piece] ?? "").includes(text.charAt(0)) && isName(rest, text.slice(1));
	}

	function isPath([part, ...rest]: readonly Drawn[], [first, ...below]: readonly string[]): boolean {
		if (part === undefined) return first === undefined;
		if (part === "**" && rest.length > 0 && isPath(rest, first === undefined ? [] : [first, ...below])) return true;
		if (first === undefined) return false;
		if (part === "**") return isPath(rest, below) || isPath([part, ...rest], below);
		return isName(part, first) && isPath(rest, below);
	}

	/** It, or a directory above it. */
	function isCovered(
		{ parts, isForDirectories, isAnchored }: DrawnPattern,
		path: readonly string[],
		isDirectory: boolean,
	) {
		const isFloating = !isAnchored && parts.length === 1;
		return path.some((_, index) => {
			const above = path.slice(0, index + 1);
			if (isForDirectories && !isDirectory && above.length === path.length) return false;
			return isPath(parts, isFloating ? above.slice(-1) : above);
		});
	}

	const BELOW = NAMES.flatMap((a) => [[a], ...NAMES.flatMap((b) => [[a, b], ...NAMES.map((c) => [a, b, c])])]);

	function verdictOf(
		include: readonly DrawnPattern[],
		exclude: readonly DrawnPattern[],
		path: readonly string[],
		isDirectory: boolean,
	) {
		const covers = (all: readonly DrawnPattern[], below: readonly string[] = []): boolean =>
			all.some((one) => isCovered(one, [...path, ...below], isDirectory));
		if (covers(exclude)) return "leave";
		if (include.length === 0 || covers(include)) return "take";
		return isDirectory && BELOW.some((below) => covers(include, below)) ? "pass" : "leave";
	}

	test("a path's verdict", () => {
		assert(
			property(patterns, patterns, paths, boolean(), (include, exclude, path, isDirectory) => {
				const all = PathPatterns.parse({ include: include.map(textOf), exclude: exclude.map(textOf) });
				expect(all.verdict(path.join("/"), isDirectory)).toBe(verdictOf(include, exclude, path, isDirectory));
			}),
			{ numRuns: 1_000 },
		);
	});

	test("nothing below what is left is taken, and everything on the way to what is taken is there", () => {
		assert(
			property(patterns, patterns, paths, boolean(), (include, exclude, path, isDirectory) => {
				const all = PathPatterns.parse({ include: include.map(textOf), exclude: exclude.map(textOf) });
				if (all.verdict(path.join("/"), isDirectory) === "leave") return;
				for (let depth = 0; depth < path.length; depth++)
					expect(all.verdict(path.slice(0, depth).join("/"), true)).not.toBe("leave");
			}),
			{ numRuns: 1_000 },
		);
	});
});
