import { DnsServiceService, type GetStatusResponse, type ServedSandbox } from "#gen/wharf/dns/v1/dns.ts";
import { allPages } from "#lib/rpc/all-pages.ts";
import type { ClientOf } from "#lib/rpc/client.ts";
import { jsonLines, LIST_FLAGS, type ListFormat, listFormat, listText } from "../format.ts";
import { COUNTER_HEADS, counterCells, countersJson, statusJson, statusText } from "../output/dns-status.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "dns status",
	summary:
		"Says what is answered, how often, and how upstream resolvers are. The exit status is 1 when something is not served.",
	operands: "",
	minOperands: 0,
	maxOperands: 0,
	flags: {
		containers: { kind: "switch", short: "c", help: "What each container has asked instead" },
		format: LIST_FLAGS.format,
	},
	notes: [
		"Everything is counted since the resolver's start, and by container since it was started or the resolver was.",
	],
	async run({ flags, terminal }) {
		const format = listFormat(flags.format);
		using dnsd = connect(terminal.paths, "dnsd", DnsServiceService);
		if (flags.containers) {
			await terminal.out(containersText(await servedBy(dnsd), format));
			return 0;
		}
		const status = await dnsd.getStatus({});
		await terminal.out(statusBy(format, status));
		return status.synced && status.failures.length === 0 ? 0 : 1;
	},
});

async function servedBy(dnsd: ClientOf<DnsServiceService>): Promise<ServedSandbox[]> {
	const sandboxes = await allPages(
		(page) => dnsd.listSandboxes(page),
		(answer) => answer.sandboxes,
	);
	return sandboxes.toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function containersText(sandboxes: readonly ServedSandbox[], format: ListFormat): string {
	const listed = () => ({
		heads: ["CONTAINER", ...COUNTER_HEADS, "UPSTREAMS"],
		rows: sandboxes.map(({ name, counters, upstreams }) => [
			name,
			...counterCells(counters),
			upstreams.join(", ") || "-",
		]),
		json: sandboxes.map(({ sandboxId, name, owner, counters, upstreams }) => ({
			Container: name,
			ContainerID: owner,
			SandboxID: sandboxId,
			...countersJson(counters),
			Upstreams: upstreams,
		})),
		ids: sandboxes.map(({ name }) => name),
	});
	return listText(listed, format);
}

function statusBy(format: ListFormat, status: GetStatusResponse): string {
	switch (format.kind) {
		case "json":
			return jsonLines([statusJson(status)]);
		case "table":
			return statusText(status);
		case "template":
			return format.text({ json: [statusJson(status)] });
	}
}
