import { ContainerServiceService, ListContainersRequest } from "#gen/wharf/container/v1/container.ts";
import { allPages } from "#lib/rpc/all-pages.ts";
import { LIST_FLAGS, listFormat, listText } from "../format.ts";
import { PS_HEADS, psJson, psRow } from "../output/container-text.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "ps",
	summary: "Lists containers, the newest first.",
	operands: "",
	minOperands: 0,
	maxOperands: 0,
	flags: { all: { kind: "switch", short: "a", help: "Those that do not run as well" }, ...LIST_FLAGS },
	async run({ flags, terminal }) {
		const format = listFormat(flags.format);
		using gateway = connect(terminal.paths, "gateway", ContainerServiceService);
		const containers = await allPages(
			(page) => gateway.listContainers(ListContainersRequest.fromPartial({ ...page, all: flags.all })),
			(answer) => answer.containers,
		);
		const now = new Date();
		const id = (whole: string): string => (flags["no-trunc"] ? whole : whole.slice(0, 12));
		const listed = () => ({
			heads: PS_HEADS,
			rows: containers.map((container) => [id(container.id), ...psRow(container, now).slice(1)]),
			json: containers.map((container) => ({ ...psJson(container, now), ID: id(container.id) })),
			ids: containers.map((container) => id(container.id)),
			labels: containers.map(({ spec }) => spec?.labels ?? {}),
			headings: { ID: "CONTAINER ID", RunningFor: "CREATED" },
		});
		await terminal.out(listText(listed, format, flags.quiet));
		return 0;
	},
});
