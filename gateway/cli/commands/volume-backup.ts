import { resolve } from "node:path";
import {
	type BackupResult,
	BackupServiceService,
	BackupVolumeRequest,
	BackupVolumesRequest,
} from "#gen/wharf/volume/v1/volume.ts";
import { ARCHIVE_FLAGS, archiveRequest } from "../backup/archive-flags.ts";
import { checkChoice, chosenVolumes } from "../backup/chosen-volumes.ts";
import { untilLeft } from "../backup/followed.ts";
import { AFTER_LABEL, BEFORE_LABEL, labelledHooks, parseHooks } from "../backup/hook-plan.ts";
import { withHooks } from "../backup/hooks.ts";
import { backupSeveral } from "../backup/several.ts";
import { tellPaused, tellResult } from "../backup/told.ts";
import { untilInterrupted } from "../interrupted.ts";
import { follow } from "../output/progress.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";
import { VOLUME_FILTER_HELP } from "../syntax/volume-filter.ts";
import type { Terminal } from "../terminal.ts";

const HOOK_TIMEOUT_S = 60;
const LONGEST_HOOK_S = 86_400;

export default command({
	name: "volume backup",
	summary: "Archives volumes into ordinary tar files: complete and verified, or not there.",
	operands: "[VOLUME...]",
	minOperands: 0,
	maxOperands: Number.POSITIVE_INFINITY,
	flags: {
		output: {
			kind: "text",
			short: "o",
			value: "FILE",
			help: "Where to; its ending decides the compression: .tar, .tar.zst, .tar.gz; `-` is standard output",
		},
		force: { kind: "switch", short: "f", help: "Replace a file that is there" },
		to: {
			kind: "text",
			value: "DIR",
			help: "Into a directory, under the volume's name with the date; with --zstd or --gzip compressed",
		},
		filter: { kind: "list", value: "FILTER", help: `Those that fit; ${VOLUME_FILTER_HELP}` },
		all: { kind: "switch", short: "a", help: "All volumes" },
		before: { kind: "list", value: "'CONTAINER: COMMAND'", help: "Run in a container before anything is read" },
		after: { kind: "list", value: "'CONTAINER: COMMAND'", help: "Run in a container afterwards, whatever happened" },
		"no-hooks": { kind: "switch", help: "Run nothing that labels of containers say" },
		"hook-timeout": {
			kind: "text",
			value: "SECONDS",
			help: `How long each of these commands may take; ${HOOK_TIMEOUT_S} unless given`,
		},
		...ARCHIVE_FLAGS,
	},
	notes: [
		"Without a --keep no older archive is removed; with some, what any of them keeps stays, of each volume.",
		"A name that no volume has keeps anything from being begun. Of several volumes that are there, one that cannot be archived keeps no other one from it; it is told at the end, and the exit status is 1. Those that containers write to are of one time, four at a time: all of these containers are paused at once, for a moment.",
		`The labels ${BEFORE_LABEL} and ${AFTER_LABEL} of a container that runs and has one of the volumes mounted are commands, too: a shell in it runs them. One before that fails, or takes too long, keeps anything from being archived. Those after are run also after Ctrl-C.`,
	],
	examples: [
		["wharf volume backup data -o data.tar.zst", "GNU tar lists and extracts it"],
		["wharf volume backup data --to /srv/backup --zstd --keep-daily 7 --keep-weekly 4", "what a timer runs"],
		["wharf volume backup --filter label=team=blue --to /srv/backup", "those with the label, of one time"],
		[
			`wharf run -d --label ${BEFORE_LABEL}='pg_dump -U app app >/data/dump.sql' -v data:/data host app`,
			"a container that is asked for a dump first",
		],
	],
	async run({ flags, operands: names, terminal }) {
		const { output, to } = flags;
		const choice = { names, filter: flags.filter, all: flags.all };
		checkChoice(choice);
		const alone = names.length === 1 ? names[0] : undefined;
		if (output === undefined && to === undefined) {
			throw syntaxFaults.FLAG_MISSING({ command: "volume backup", flag: "-o FILE or --to DIR" });
		}
		if (output !== undefined && to !== undefined) {
			throw syntaxFaults.INVALID_VALUE({ what: "The target", value: "-o and --to", allowed: "one of the two" });
		}
		if (output !== undefined && alone === undefined) {
			const allowed = "--to DIR for several volumes, and for those that a filter fits";
			throw syntaxFaults.INVALID_VALUE({ what: "The target", value: "-o", allowed });
		}
		if (output === "") {
			throw syntaxFaults.INVALID_VALUE({ what: "The file", value: "", allowed: "a path, or - for standard output" });
		}
		if (output === "-" && terminal.outIsTty) {
			throw syntaxFaults.INVALID_VALUE({ what: "Standard output", value: "a terminal", allowed: "a file or a pipe" });
		}
		// Without a path the archive comes in the answers.
		const path = output === undefined || output === "-" ? "" : resolve(terminal.cwd, output);
		const directory = to === undefined ? "" : resolve(terminal.cwd, to);
		// A person who looks wants to know how long it takes.
		const rest = { ...archiveRequest(flags, path, directory), requestId: requestId(), count: terminal.errIsTty };
		const own = parseHooks(flags.before, flags.after);
		const timeoutMs = hookTimeout(flags["hook-timeout"]) * 1_000;
		return await untilInterrupted(terminal, wordsOf(output, alone), async (signal) => {
			const volumes = await chosenVolumes(choice, terminal);
			const labelled = flags["no-hooks"] ? [] : await labelledHooks(volumes, terminal);
			return await withHooks({ hooks: [...labelled, ...own], timeoutMs, terminal, signal }, () => {
				if (alone === undefined) {
					const request = { ...rest, volumes: volumes.map(({ name }) => name) };
					return backupSeveral(BackupVolumesRequest.fromPartial(request), terminal, signal);
				}
				const request = { ...rest, volume: alone, path, overwrite: flags.force };
				return backupOne(BackupVolumeRequest.fromPartial(request), terminal, signal);
			});
		});
	},
});

function wordsOf(output: string | undefined, alone: string | undefined): string {
	if (output === "-") return ": the archive is not complete";
	return alone === undefined ? ": of volumes that were not told no archive was written" : ": no archive was written";
}

async function backupOne(request: BackupVolumeRequest, terminal: Terminal, signal: AbortSignal): Promise<number> {
	using volumed = connect(terminal.paths, "volumed", BackupServiceService);
	const asked = { volumed, requestId: request.requestId, terminal, signal };
	const answers = untilLeft(asked, (options) => volumed.backupVolume(request, options));
	const result = await follow<BackupResult>(answers, terminal);
	for (const warning of result.warnings) await terminal.err(`${warning}\n`);
	await tellResult(result, terminal);
	await tellPaused(result, terminal);
	return 0;
}

function hookTimeout(text: string | undefined): number {
	if (text === undefined) return HOOK_TIMEOUT_S;
	const seconds = Number(text);
	if (/^\d+$/.test(text) && seconds >= 1 && seconds <= LONGEST_HOOK_S) return seconds;
	throw syntaxFaults.INVALID_VALUE({ what: "--hook-timeout", value: text, allowed: `1 to ${LONGEST_HOOK_S} seconds` });
}
