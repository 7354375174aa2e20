/** Templates at random, from what templates are made of: each ends in output of at most 1 MB, or in a fault of templates. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isFault } from "#lib/fault/fault.ts";
import { MAX_OUTPUT_BYTES } from "./budget.ts";
import { templateFaults } from "./faults.ts";
import { FUNCTIONS } from "./functions.ts";
import { printedOf, WEB } from "./testing.ts";

const RUNS = 20_000;
const WIDE = {
	...WEB,
	Many: Array.from({ length: 40 }, (_, index) => ({ Name: `n${index}`, Of: [index, "x", null] })),
};

const word = fc.constantFrom(...FUNCTIONS.keys());
const field = fc.constantFrom(
	".",
	".Name",
	".Args",
	".Many",
	".Config.Labels",
	".State.Pid",
	".Nope",
	"$",
	"$.Many",
	"$x",
	"$x.Of",
);
const literal = fc.oneof(
	fc.constantFrom(
		"1",
		"-1",
		"1.5",
		"0x1F",
		"nil",
		"true",
		"'a'",
		"9999999",
		'"%*[1]d"',
		'"%99999d%v"',
		'"\\u00e4"',
		"`a,b`",
	),
	fc.string({ maxLength: 6 }).map((text) => JSON.stringify(text)),
);
const { pipe } = fc.letrec<{ pipe: string; term: string }>((tie) => ({
	pipe: fc
		.array(
			fc.oneof(
				fc.tuple(word, fc.array(tie("term"), { maxLength: 3 })).map(([name, args]) => [name, ...args].join(" ")),
				tie("term"),
			),
			{
				minLength: 1,
				maxLength: 3,
			},
		)
		.map((commands) => commands.join(" | ")),
	term: fc.oneof(
		{ maxDepth: 3 },
		field,
		literal,
		tie("pipe").map((inner) => `(${inner})`),
	),
}));
const opening = fc.oneof(
	pipe,
	fc
		.constantFrom("$x := ", "$x = ", "if ", "with ", "range ", "range $i, $x := ", "else if ")
		.chain((start) => pipe.map((rest) => start + rest)),
	fc.constantFrom(
		"else",
		"end",
		"end",
		"range $.Many",
		"range .Many",
		"$x := .",
		"$x = print $x $x",
		"/* c */",
		"define `a`",
	),
);
const action = fc
	.tuple(fc.constantFrom("{{", "{{", "{{- "), opening, fc.constantFrom("}}", "}}", " -}}"))
	.map((parts) => parts.join(""));

/** Most are blocks that are closed; some are anything at all. */
const { whole } = fc.letrec<{ whole: string; block: string }>((tie) => ({
	block: fc
		.tuple(fc.constantFrom("range $.Many", "range .Args", "with .Name", "if 1", "range $i, $x := $.Many"), tie("whole"))
		.map(([start, body]) => `{{$x := .}}{{${start}}}${body}{{end}}`),
	whole: fc
		.array(
			fc.oneof(
				{ maxDepth: 4 },
				fc.constantFrom("text", " \n", ""),
				pipe.map((one) => `{{${one}}}`),
				tie("block"),
			),
			{ maxLength: 4 },
		)
		.map((parts) => parts.join("")),
}));
/** Many times what it is of: some of these need more than a template may. */
const deep = fc
	.tuple(fc.integer({ min: 2, max: 6 }), whole)
	.map(([depth, body]) => "{{range $.Many}}".repeat(depth) + body + "{{end}}".repeat(depth));
const jumble = fc
	.array(
		fc.oneof(
			action,
			fc.string({ maxLength: 8 }),
			fc.constantFrom("{{", "}}", "{", "-", '"', "`", "(", ")", "|", ".", "$"),
		),
		{ maxLength: 12 },
	)
	.map((parts) => parts.join(""));

test("random templates end in output, or in a fault of templates", () => {
	const ends = new Map<string, number>();
	const reasons = Object.keys(templateFaults);
	fc.assert(
		fc.property(
			fc.oneof({ weight: 50, arbitrary: whole }, { weight: 50, arbitrary: jumble }, { weight: 1, arbitrary: deep }),
			(text) => {
				const end = endOf(text);
				ends.set(end, (ends.get(end) ?? 0) + 1);
				expect(["output", ...reasons]).toContain(end);
			},
		),
		{ numRuns: RUNS },
	);
	// Else it would be no test of what they are about.
	expect([...ends.keys()].toSorted()).toEqual(["output", ...reasons].toSorted());
}, 120_000);

function endOf(text: string): string {
	try {
		return Buffer.byteLength(printedOf(text, WIDE)) <= MAX_OUTPUT_BYTES ? "output" : "too much output";
	} catch (error) {
		return isFault(error) ? error.reason : `${error}`;
	}
}
