import { describe, expect, test } from "vitest";
import { isFault } from "#lib/fault/fault.ts";
import { Template } from "./template.ts";
import { printedOf } from "./testing.ts";

function reasonOf(body: () => unknown): { reason: string; message: string } {
	try {
		body();
	} catch (error) {
		if (isFault(error)) return { reason: error.reason, message: error.message };
		throw error;
	}
	throw new Error("it was taken");
}

describe("not a template: refused before there is an object", () => {
	test.each([
		["{{.Name", "1:1: `{{` is without its `}}`."],
		["{{.Name}} {{/* c", "1:11: the comment has no end."],
		["{{/* c */ }}", "1:1: a comment has to end with `*/}}`."],
		["{{}}", "1:1: there is nothing in `{{}}`."],
		["{{-}}", '1:3: nothing begins with "-" here'],
		['{{"a}}', '1:3: " is without the other one.'],
		['{{"a\nb"}}', '1:3: " is without the other one.'],
		["{{if .Name}}", "1:1: {{if}} is without its {{end}}."],
		["a\n  {{end}}", "2:5: {{end}} is without its {{if}}, {{with}} or {{range}}."],
		["{{else}}", "1:3: {{else}} is without"],
		["{{if 1}}a{{else}}b{{else}}c{{end}}", "1:21: {{if}} has one {{else}}."],
		["{{if 1}}a{{else with 1}}b{{end}}", "1:17: with is out of place behind the else of {{if}}."],
		["{{range .A}}{{else range .B}}{{end}}", "1:20: range is out of place"],
		["{{if}}x{{end}}", "1:5: something is missing before `}}`."],
		["{{if 1}}{{end 1}}", "1:11: nothing may follow `end`."],
		["{{$x}}", "1:3: there is no variable $x."],
		["{{if $x := 1}}{{end}}{{$x}}", "1:24: there is no variable $x."],
		["{{if 1}}{{$x := 1}}{{else}}{{$x}}{{end}}", "1:30: there is no variable $x."],
		["{{$x = 1}}", "1:6: there is no variable $x."],
		["{{$a, $b := .A}}", "1:10: there is one value for $a and $b."],
		["{{range $a, $b, $c := .A}}{{end}}", "1:20: there is one value"],
		["{{$x := }}", "1:9: something is missing before `}}`."],
		["{{$ := 1}}", "1:5: := is out of place."],
		["{{1 := 2}}", "1:3: 1 is out of place."],
		["{{lenn .A}}", "1:3: there is no function lenn (did you mean len?)."],
		["{{html .A}}", "1:3: there is no function html."],
		["{{eq len 1}}", "1:6: the function len has to stand in parentheses here."],
		["{{len}}", "1:3: len takes 1 argument, and was given 0."],
		["{{1 | len 2}}", "1:7: len takes 1 argument, and was given 2."],
		["{{eq 1}}", "1:3: eq takes 2 or more arguments, and was given 1."],
		["{{1 | 2}}", "1:7: 2 is a value, and no command."],
		["{{nil}}", "1:3: nil is a value, and no command."],
		["{{$ 1}}", "1:5: $ takes no arguments."],
		['{{"a" "b"}}', '1:7: "a" takes no arguments.'],
		["{{()}}", "1:4: ) is out of place."],
		["{{(.A}}", "1:3: ( is without its )."],
		["{{.A)}}", "1:5: ) is out of place."],
		["{{.A | }}", "1:8: something is missing before `}}`."],
		["{{| .A}}", "1:3: | is out of place."],
		["{{.A.b-c}}", '1:7: nothing begins with "-" here; a key with it is asked for as `index .Labels "a-b"`.'],
		["{{..A}}", "1:4: .A is out of place."],
		["{{.A.}}", "1:5: . is out of place."],
		['{{print"a"}}', '1:8: "a" is out of place.'],
		['{{"\\q"}}', '1:3: "\\q" is not valid.'],
		['{{"\\ud800"}}', "is not valid."],
		["{{'ab'}}", "1:3: 'ab' is not valid."],
		["{{099}}", "1:3: 099 is not valid."],
		["{{1__0}}", "1:3: 1__0 is not valid."],
		["{{9223372036854775808}}", "1:3: 9223372036854775808 is not valid."],
		["{{1i}}", "1:3: 1i is not valid."],
		['{{define "a"}}{{end}}', "1:3: wharf's templates have no {{define}}."],
		['{{template "a"}}', "have no {{template}}."],
		['{{block "a" .}}{{end}}', "have no {{block}}."],
		["{{range .A}}{{break}}{{end}}", "have no {{break}}."],
		[`{{${"(".repeat(50_000)}}}`, "the parentheses are too deep."],
		["{{if 1}}".repeat(10_000), "the blocks are too deep."],
		[`{{if 1}}${"{{else if 1}}".repeat(10_000)}`, "the blocks are too deep."],
	])("%.60s", (text, words) => {
		const { reason, message } = reasonOf(() => new Template(text));
		expect([reason, message]).toEqual(["INVALID_TEMPLATE", expect.stringContaining(words)]);
	});
});

describe("not of this object", () => {
	test.each([
		[
			"{{.State.Pidd}}",
			"NO_SUCH_FIELD",
			"There is no .State.Pidd, which the template asks for at 1:9; did you mean Pid?",
		],
		["{{.name}}", "NO_SUCH_FIELD", "There is no .name, which the template asks for at 1:3; did you mean Name?"],
		["{{.Xyzzy}}", "NO_SUCH_FIELD", "There is no .Xyzzy, which the template asks for at 1:3: it has other fields."],
		["{{.constructor}}", "NO_SUCH_FIELD", "There is no .constructor"],
		["{{.__proto__}}", "NO_SUCH_FIELD", "There is no .__proto__"],
		["{{$.State.Pidd}}", "NO_SUCH_FIELD", "There is no $.State.Pidd"],
		["{{.Config.Env.A}}", "NO_SUCH_FIELD", "asks for at 1:14: .Config.Env is a list."],
		["{{range .Args}}{{.Name}}{{end}}", "NO_SUCH_FIELD", "asks for at 1:18: . is a string."],
		["{{.Name 1}}", "TEMPLATE_FAILED", "The template fails at 1:3: Name takes no arguments."],
		["{{range .State.Pid}}{{end}}", "TEMPLATE_FAILED", "there is nothing to range over in a whole number."],
		["{{eq 1 1.0}}", "TEMPLATE_FAILED", "1:3: eq: a whole number cannot be compared with a fraction."],
		["{{eq .Args .Args}}", "TEMPLATE_FAILED", "eq: a list cannot be compared."],
		["{{lt true false}}", "TEMPLATE_FAILED", "lt: a boolean is neither before nor behind a boolean."],
		["{{len 3}}", "TEMPLATE_FAILED", "len: a whole number has no length."],
		["{{index .Args 2}}", "TEMPLATE_FAILED", "index: there is no 2: it has 2, from 0."],
		["{{index .Args -1}}", "TEMPLATE_FAILED", "index: -1 is out of range."],
		['{{index .Args "a"}}', "TEMPLATE_FAILED", "index: it takes a whole number, and was given a string."],
		['{{index .State "Pidd"}}', "TEMPLATE_FAILED", 'index: there is no "Pidd".'],
		["{{index .Unknown.nothing 1}}", "TEMPLATE_FAILED", "index: nothing is within nil."],
		['{{slice "abc" 2 1}}', "TEMPLATE_FAILED", "slice: there is no part from 2 to 1: it has 3, from 0."],
		['{{slice "abc" 0 9}}', "TEMPLATE_FAILED", "slice: there is no part from 0 to 9"],
		["{{upper 5}}", "TEMPLATE_FAILED", "upper: it takes a string, and was given a whole number."],
		['{{join .Name ","}}', "TEMPLATE_FAILED", "join: it takes a list, and was given a string."],
		['{{pad "a" 9999999 0}}', "TEMPLATE_FAILED", "pad: it takes at most 1000000 blanks."],
	])("%s", (text, reason, words) => {
		const fault = reasonOf(() => printedOf(text));
		expect([fault.reason, fault.message]).toEqual([reason, expect.stringContaining(words)]);
	});
});

describe("bounded", () => {
	const list = { Args: Array.from({ length: 200 }, (_, index) => index) };
	const ranges = (depth: number, body: string): string =>
		"{{range $.Args}}".repeat(depth) + body + "{{end}}".repeat(depth);

	test.each([
		["output", ranges(3, "some text")],
		["steps", ranges(9, "")],
		["strings that double", `{{$x := "ab"}}${ranges(2, "{{$x = print $x $x}}")}`],
		["comparisons of large strings", `{{$x := printf "%1000000d" 1}}${ranges(2, "{{if eq $x $x}}{{end}}")}`],
		["a wide list", '{{printf "%999999v" .Args}}'],
		["a list with much between", '{{join .Args (printf "%999999v" 1)}}'],
		["an object very often", `{{print ${"$ ".repeat(40_000)}}}`],
		["an object very often, by printf", `{{printf "${"%v".repeat(20_000)}"${" $".repeat(20_000)}}}`],
		["extra arguments", `{{printf "" ${"$ ".repeat(40_000)}}}`],
		["many wide ones", `{{printf "${"%999999d".repeat(1_000)}"${" 1".repeat(1_000)}}}`],
		["JSON over and over", ranges(3, "{{if json $}}{{end}}")],
		["parts of parts", ranges(3, '{{$x := split "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a" ","}}')],
	])("%s", (_, text) => expect(reasonOf(() => printedOf(text, list)).reason).toBe("TEMPLATE_TOO_LARGE"));

	test("and what a list of many needs is less", () => {
		const many = { Args: Array.from({ length: 20_000 }, (_, index) => `a${index}`) };
		expect(printedOf('{{range $i, $a := .Args}}{{if $i}}{{printf ", %s" $a}}{{end}}{{end}}', many)).toHaveLength(
			148_886,
		);
	});
});
