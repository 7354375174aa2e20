import { ListNetworksRequest, NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { allPages } from "#lib/rpc/all-pages.ts";
import { LIST_FLAGS, listFormat, listText } from "../format.ts";
import { driverWord, networkLine, scopeWord } from "../output/network-json.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "network ls",
	summary: "Lists networks by name.",
	operands: "",
	minOperands: 0,
	maxOperands: 0,
	flags: LIST_FLAGS,
	async run({ flags, terminal }) {
		const format = listFormat(flags.format);
		using netd = connect(terminal.paths, "netd", NetworkServiceService);
		const networks = await allPages(
			(page) => netd.listNetworks(ListNetworksRequest.fromPartial(page)),
			(answer) => answer.networks,
		);
		networks.sort((a, b) => (a.name < b.name ? -1 : 1));
		const id = (whole: string): string => (flags["no-trunc"] ? whole : whole.slice(0, 12));
		const listed = () => ({
			heads: ["NETWORK ID", "NAME", "DRIVER", "SCOPE"],
			rows: networks.map((network) => [id(network.id), network.name, driverWord(network), scopeWord(network)]),
			json: networks.map((network) => ({ ...networkLine(network), ID: id(network.id) })),
			ids: networks.map((network) => id(network.id)),
			labels: networks.map(({ labels }) => labels),
			headings: { ID: "NETWORK ID" },
		});
		await terminal.out(listText(listed, format, flags.quiet));
		return 0;
	},
});
