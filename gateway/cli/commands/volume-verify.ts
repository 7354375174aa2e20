import { resolve } from "node:path";
import { BackupServiceService, type VerifyArchiveRequest, type VerifyResult } from "#gen/wharf/volume/v1/volume.ts";
import { interruptedStatus } from "../interrupted.ts";
import { follow } from "../output/progress.ts";
import { size } from "../output/quantity.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";

export default command({
	name: "volume verify",
	summary: "Reads an archive to its end: whether it is whole, and what is different in a volume.",
	operands: "FILE [VOLUME]",
	minOperands: 1,
	maxOperands: 2,
	notes: ["FILE is `-` for standard input.", "Nothing is changed. The exit status is 1 when there are differences."],
	flags: {},
	examples: [
		["wharf volume verify data.tar.zst", ""],
		["wharf volume verify data.tar.zst data", "what has changed since"],
	],
	async run({ operands: [file = "", volume = ""], terminal }) {
		if (file === "") {
			throw syntaxFaults.INVALID_VALUE({ what: "The file", value: "", allowed: "a path, or - for standard input" });
		}
		const isStdin = file === "-";
		const value = { path: isStdin ? "" : resolve(terminal.cwd, file), volume };
		using volumed = connect(terminal.paths, "volumed", BackupServiceService);
		async function* messages(): AsyncGenerator<VerifyArchiveRequest> {
			yield { part: { $case: "spec", value } };
			if (!isStdin) return;
			for await (const chunk of terminal.stdin) yield { part: { $case: "chunk", value: Buffer.from(chunk) } };
		}
		const signal = terminal.interruptible();
		try {
			const result = await follow<VerifyResult>(volumed.verifyArchive(messages(), { signal }), terminal);
			const { differences, differenceCount, hasManifest } = result;
			for (const { path, what } of differences) await terminal.out(`${path}: ${what}\n`);
			const more = Number(differenceCount) - differences.length;
			if (more > 0) await terminal.out(`and ${more} more\n`);
			const kind = hasManifest ? "agrees with its manifest" : "whole; it has no manifest";
			const compared = volume === "" ? "" : `; ${differenceCount} differences from ${volume}`;
			await terminal.out(`${file}: ${result.entries} entries, ${size(result.bytes)}, ${kind}${compared}\n`);
			return differenceCount > 0n ? 1 : 0;
		} catch (error) {
			const status = interruptedStatus(error, signal);
			if (status === undefined) throw error;
			await terminal.err("wharf: Interrupted.\n");
			return status;
		}
	},
});
