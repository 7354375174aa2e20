import { type Finding, DiagnoseRequest, DiagnosisServiceService } from "#gen/wharf/network/v1/diagnosis.ts";
import { LIST_FLAGS, listFormat, listText } from "../format.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";

const WORDS: Readonly<Record<Finding["severity"], string>> = {
	SEVERITY_UNSPECIFIED: "unknown",
	SEVERITY_INFO: "info",
	SEVERITY_WARNING: "warning",
	SEVERITY_ERROR: "error",
};

export default command({
	name: "doctor",
	summary:
		"Says what on this host keeps traffic from passing, and what to do. The exit status is 1 when something does.",
	operands: "",
	minOperands: 0,
	maxOperands: 0,
	flags: { format: LIST_FLAGS.format },
	examples: [["wharf doctor --format json", "one finding a line, with its code and what it is about"]],
	notes: [
		"It looks and changes nothing; the commands that it prints are for you to run, as root.",
		"An `error` is traffic that is lost now, a `warning` traffic that is or will be under conditions, an `info` good to know. Only errors make the exit status 1.",
	],
	async run({ flags, terminal }) {
		const format = listFormat(flags.format);
		using netd = connect(terminal.paths, "netd", DiagnosisServiceService);
		const { findings } = await netd.diagnose(DiagnoseRequest.fromPartial({}));
		const listed = () => ({
			heads: ["SEVERITY", "CODE", "FINDING"],
			rows: findings.map(({ severity, code, sentence }) => [WORDS[severity], code, sentence]),
			json: findings.map(findingJson),
			ids: findings.map(({ code }) => code),
		});
		const text = listText(listed, format);
		if (format.kind !== "table") await terminal.out(text);
		else await terminal.out(findings.length === 0 ? "Nothing found.\n" : `${text}\n${remedies(findings)}`);
		return findings.some(({ severity }) => severity === "SEVERITY_ERROR") ? 1 : 0;
	},
});

function findingJson({ severity, code, sentence, advice, commands, metadata }: Finding): object {
	return {
		Severity: WORDS[severity],
		Code: code,
		Finding: sentence,
		Advice: advice,
		Commands: commands,
		Metadata: metadata,
	};
}

/** What to do about each, in the table's order. */
function remedies(findings: readonly Finding[]): string {
	return findings
		.map(({ code, advice, commands }) => [`${code}: ${advice}`, ...commands.map((line) => `    ${line}`)].join("\n"))
		.map((text) => `${text}\n`)
		.join("");
}
