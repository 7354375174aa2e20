/** Lists by templates; the columns as Docker's client printed the same rows. */
import { describe, expect, test } from "vitest";
import { listTemplate } from "./list-template.ts";
import { tabColumns } from "./tab-columns.ts";

const ROWS = {
	json: [
		{ ID: "cccccccccccc", Names: "web", State: "running", Status: "Up 2 minutes", RunningFor: "now" },
		{ ID: "dddddddddddd", Names: "a-long-name-of-a-container", State: "exited", Status: "Exited (0)", RunningFor: "x" },
	],
	labels: [{ "a.team-name": "blue" }, {}],
	headings: { ID: "CONTAINER ID", RunningFor: "CREATED" },
};

describe("rows", () => {
	test.each([
		["{{.ID}}\\t{{.Names}}", ["cccccccccccc\tweb", "dddddddddddd\ta-long-name-of-a-container"]],
		["  {{.Names}}  ", ["web", "a-long-name-of-a-container"]],
		["{{.State}}\\n--", ["running", "--", "exited", "--"]],
		['{{.State}}{{"\\n"}}x', ["running", "x", "exited", "x"]],
		['{{.Label "a.team-name"}}.', ["blue.", "."]],
		[
			"table {{.ID}}\\t{{.Names}}\\t{{.Status}}",
			[
				"CONTAINER ID   NAMES                        STATUS",
				"cccccccccccc   web                          Up 2 minutes",
				"dddddddddddd   a-long-name-of-a-container   Exited (0)",
			],
		],
		[
			'table {{.Names}}\\t{{.Label "a.team-name"}}',
			["NAMES                        team name", "web                          blue", "a-long-name-of-a-container   "],
		],
		[
			"table {{upper .State}}\\t{{truncate .ID 3}}\\t{{.RunningFor}}",
			["STATE     CONTAINER ID   CREATED", "RUNNING   ccc            now", "EXITED    ddd            x"],
		],
		["table{{.State}}", ["STATE", "running", "exited"]],
		['table {{if eq .State "running"}}{{.State}}\\t{{.ID}}{{else}}-{{end}}', ["-", "running   cccccccccccc", "-"]],
	])("%s", (format, lines) => {
		expect(listTemplate(format)(ROWS)).toBe(lines.map((line) => `${line}\n`).join(""));
	});

	test.each(["table {{.Names.X}}{{.State}}", "{{.Nope}}"])("%s is told", (format) =>
		expect(() => listTemplate(format)(ROWS)).toThrow("There is no .N"),
	);

	test("none have heads all the same, where the template has some", () => {
		const none = { json: [] };
		expect(listTemplate("table {{.CreatedAt}}\\t{{.IPv6}}")(none)).toBe("CREATED AT   IPV6\n");
		expect(listTemplate("table {{index .Labels 99}}")(none)).toBe("\n");
		expect(listTemplate("{{.Name}}")(none)).toBe("");
	});

	test("what is no template is told before there are rows", () =>
		expect(() => listTemplate("table {{.Name")).toThrow("The template is not valid at 1:1"));
});

describe("columns", () => {
	test.each([
		["", ""],
		["a\tb", "a         b"],
		["twelve chars\tb\nä\tc\n", "twelve chars   b\nä              c\n"],
		["a\tb\n\nlonger than ten\tc", "a         b\n\nlonger than ten   c"],
		["a\t\tb\nc\td", "a                   b\nc         d"],
	])("%j", (text, printed) => expect(tabColumns(text)).toBe(printed));
});
