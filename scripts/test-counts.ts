/**
 * `test-counts.ts REPORT`: a vitest JSON report as two numbers on stdout, passed and failed; on stderr a line for each failure with the
 * first line of its reason. A file that could not be run, or a suite without a test, counts as one failure.
 */
import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";

interface Report {
	readonly numPassedTests: number;
	readonly testResults: readonly {
		readonly name: string;
		readonly status: string;
		readonly message?: string;
		readonly assertionResults: readonly {
			readonly status: string;
			readonly fullName: string;
			readonly failureMessages?: readonly string[];
		}[];
	}[];
}

const [, , path = ""] = process.argv;
// A run that was killed leaves no report; the caller says so.
if (!existsSync(path)) process.exit(1);
const report = JSON.parse(readFileSync(path, "utf8")) as Report;
const failures = report.testResults.flatMap(({ name, status, message, assertionResults }) => {
	const file = relative(process.cwd(), name);
	const failed = assertionResults.filter((one) => one.status === "failed");
	// It could not be read, or what its tests need could not be made: they are skipped.
	if (status === "failed" && failed.length === 0) return [`${file}: ${firstLine(message)}`];
	return failed.map((one) => `${file} > ${one.fullName.trim()}: ${firstLine(one.failureMessages?.[0])}`);
});
if (report.testResults.length === 0) failures.push("a suite without a single test");
for (const failure of failures) console.error(failure);
console.log(report.numPassedTests, failures.length);

function firstLine(text = ""): string {
	return text.split("\n", 1)[0] ?? "";
}
