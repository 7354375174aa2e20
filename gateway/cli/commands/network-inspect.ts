import { EndpointServiceService, ListEndpointsRequest } from "#gen/wharf/network/v1/endpoint.ts";
import { GetNetworkRequest, NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { allPages } from "#lib/rpc/all-pages.ts";
import { INSPECT_FLAGS, inspectEach } from "../format.ts";
import { networkJson } from "../output/network-json.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";
import type { Terminal } from "../terminal.ts";

export default command({
	name: "network inspect",
	summary: "Prints networks as Docker does: one JSON array.",
	operands: "NETWORK [NETWORK...]",
	minOperands: 1,
	maxOperands: Number.POSITIVE_INFINITY,
	flags: INSPECT_FLAGS,
	run: ({ flags, operands, terminal }) =>
		inspectEach(operands, flags.format, terminal, (name) => inspectNetwork(name, terminal)),
});

export async function inspectNetwork(name: string, { paths }: Terminal): Promise<object> {
	using networks = connect(paths, "netd", NetworkServiceService);
	using endpoints = connect(paths, "netd", EndpointServiceService);
	const { network } = await networks.getNetwork(GetNetworkRequest.fromPartial({ network: name }));
	if (network === undefined) throw new Error(`netd gave no network for ${name}`);
	const members = await allPages(
		(page) => endpoints.listEndpoints(ListEndpointsRequest.fromPartial({ ...page, network: network.id })),
		(answer) => answer.endpoints,
	);
	return networkJson(network, members);
}
