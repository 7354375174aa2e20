import {
	BackupServiceService,
	RestorePlan,
	RestoreSpec,
	type RestoreVolumeResponse,
} from "#gen/wharf/volume/v1/volume.ts";
import { ArchiveSource } from "../archive-source.ts";
import { EXPANSION_FLAG, expansion } from "../backup/expansion-flag.ts";
import { untilLeft } from "../backup/followed.ts";
import { untilInterrupted } from "../interrupted.ts";
import { follow } from "../output/progress.ts";
import { entriesText, size } from "../output/quantity.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";

export default command({
	name: "volume restore",
	summary: "Fills a volume from an archive: verified first, then put in place.",
	operands: "VOLUME FILE",
	minOperands: 2,
	maxOperands: 2,
	notes: [
		"FILE is `-` for standard input.",
		"A volume that does not exist is made. One that has content stays as it is unless --replace or --merge is given.",
	],
	flags: {
		replace: { kind: "switch", help: "Replace the content of a volume that has some" },
		merge: {
			kind: "switch",
			help: "Keep what is there, but for what FILE has of the same name; directories that both have are joined",
		},
		"strip-components": {
			kind: "text",
			value: "NUMBER",
			also: ["--strip"],
			help: "Drop so many leading parts of each entry's name",
		},
		subpath: {
			kind: "text",
			value: "DIR",
			help: "Only what is below this directory of FILE, as the volume's root",
		},
		"dry-run": {
			kind: "switch",
			help: "Change nothing: read FILE to its end, and tell what would be done and what is different now",
		},
		"keep-privileges": {
			kind: "switch",
			help: "Give set-id bits and capabilities, though the archive was not made here",
		},
		...EXPANSION_FLAG,
	},
	examples: [
		["wharf volume restore data data.tar.zst --replace --dry-run", "what would be changed"],
		["wharf volume restore conf data.tar.zst --subpath etc/app --merge", "one directory, over what is there"],
	],
	async run({ flags, operands: [volume = "", file = ""], terminal }) {
		if (flags.replace && flags.merge) {
			throw syntaxFaults.INVALID_VALUE({ what: "The mode", value: "--replace and --merge", allowed: "one of the two" });
		}
		const archive = new ArchiveSource(file, terminal);
		const value = RestoreSpec.fromPartial({
			requestId: requestId(),
			volume,
			path: archive.path,
			create: true,
			replace: flags.replace,
			merge: flags.merge,
			stripComponents: strip(flags["strip-components"]),
			keepPrivileges: flags["keep-privileges"],
			subpath: flags.subpath ?? "",
			dryRun: flags["dry-run"],
			maxExpansion: expansion(flags["max-expansion"]),
		});
		using volumed = connect(terminal.paths, "volumed", BackupServiceService);
		return await untilInterrupted(terminal, ": the volume is as it was", async (signal) => {
			const asked = { volumed, requestId: value.requestId, terminal, signal };
			const answers = untilLeft(asked, (options) => volumed.restoreVolume(archive.messages(value), options));
			const { result, differences, differenceCount } = await follow<RestorePlan>(asPlans(answers), terminal);
			for (const warning of result?.warnings ?? []) await terminal.err(`${warning}\n`);
			for (const { path, what } of differences) await terminal.out(`${path}: ${what}\n`);
			const more = Number(differenceCount) - differences.length;
			if (more > 0) await terminal.out(`and ${more} more\n`);
			const verified = result?.verified === true ? "verified" : "not verified: the archive has no manifest";
			const done = flags["dry-run"] ? "; nothing was changed" : "";
			await terminal.out(
				`${volume}: ${entriesText(result?.entries ?? 0n)}, ${size(result?.bytes ?? 0n)}, ${verified}${done}\n`,
			);
			return 0;
		});
	},
});

/** A result is a plan that was carried out. */
async function* asPlans(answers: AsyncIterable<RestoreVolumeResponse>) {
	for await (const { part } of answers) {
		if (part?.$case === "progress") yield { part };
		if (part?.$case === "plan") yield { part: { $case: "result" as const, value: part.value } };
		if (part?.$case === "result")
			yield { part: { $case: "result" as const, value: RestorePlan.fromPartial({ result: part.value }) } };
	}
}

function strip(text: string | undefined): number {
	const number = Number(text ?? 0);
	if (Number.isInteger(number) && number >= 0 && number <= 1000) return number;
	throw syntaxFaults.INVALID_VALUE({ what: "The number", value: text ?? "", allowed: "a whole number from 0 to 1000" });
}
