import { PruneVolumesRequest, type PruneVolumesResponse, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import { confirmed } from "../confirm.ts";
import { size } from "../output/quantity.ts";
import { connect, requestId } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";
import { parseFilters, parseLabelFilter } from "../syntax/filters.ts";
import { parseMoment } from "../syntax/moment.ts";

const FILTERS = ["label", "label!", "until"] as const;

export default command({
	name: "volume prune",
	summary: "Removes volumes that nobody uses: those without a name, or all of them.",
	operands: "",
	minOperands: 0,
	maxOperands: 0,
	flags: {
		all: { kind: "switch", short: "a", help: "Those with a name, too" },
		filter: {
			kind: "list",
			value: "FILTER",
			help: "label=KEY, label=KEY=VALUE: only those that have all of these; label!=…: none that has one of these; until=TIME: only those made before, as 24h or 2026-01-31",
		},
		force: { kind: "switch", short: "f", help: "Do not ask" },
		"dry-run": { kind: "switch", help: "Only tell which would go" },
	},
	notes: ["Only volumes of the driver `local` without options go. One that is used, mounted or published stays."],
	examples: [["wharf volume prune --all --dry-run", "what nobody uses, and how much it takes"]],
	async run({ flags, terminal }) {
		const request = pruneRequest(flags, new Date());
		if (!flags.force && !flags["dry-run"]) {
			const which = flags.all ? "all local volumes" : "local volumes without a name";
			const question = `WARNING! This removes ${which} that nobody uses, and what is in them.\nGo on?`;
			if (!(await confirmed(question, terminal))) throw syntaxFaults.CANCELLED({});
		}
		using volumed = connect(terminal.paths, "volumed", VolumeServiceService);
		const pruned = await volumed.pruneVolumes(request);
		await terminal.out(prunedText(pruned, flags["dry-run"]));
		for (const problem of pruned.problems) await terminal.err(`${problem}\n`);
		return pruned.problems.length === 0 ? 0 : 1;
	},
});

interface Given {
	readonly all: boolean;
	readonly filter: readonly string[];
	readonly "dry-run": boolean;
}

function pruneRequest({ all, filter, "dry-run": dryRun }: Given, now: Date): PruneVolumesRequest {
	const filters = parseFilters(filter, FILTERS);
	const moments = (filters.get("until") ?? []).map((text) => parseMoment("until", text, now).getTime());
	return PruneVolumesRequest.fromPartial({
		requestId: requestId(),
		all,
		dryRun,
		labels: parseLabelFilter(filters.get("label")),
		withoutLabels: parseLabelFilter(filters.get("label!")),
		...(moments.length === 0 ? {} : { until: new Date(Math.min(...moments)) }),
	});
}

function prunedText({ names, reclaimedBytes }: PruneVolumesResponse, isDry: boolean): string {
	const [head, total] = isDry
		? ["Volumes that would be deleted:", "Total reclaimable space"]
		: ["Deleted Volumes:", "Total reclaimed space"];
	const list = names.length === 0 ? [] : [head, ...names, ""];
	return [...list, `${total}: ${size(reclaimedBytes)}`, ""].join("\n");
}
