import { ContainerServiceService, ListContainersRequest } from "#gen/wharf/container/v1/container.ts";
import { ListNetworksRequest, NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { ListVolumesRequest, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import { checkHealth } from "#lib/rpc/check-health.ts";
import { isForbidden } from "#lib/rpc/connection.ts";
import { rpcFaults } from "#lib/rpc/faults.ts";
import { allPages } from "#lib/rpc/all-pages.ts";
import { supervisorFaults } from "../../supervisor/faults.ts";
import { liveState, type ServiceState } from "../../supervisor/state-file.ts";
import { LIST_FLAGS, listFormat, listText } from "../format.ts";
import { ago } from "../output/quantity.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";
import type { Terminal } from "../terminal.ts";

export default command({
	name: "status",
	summary: "Shows the services and how they are. The exit status is 1 when one does not answer.",
	operands: "",
	minOperands: 0,
	maxOperands: 0,
	flags: { format: LIST_FLAGS.format },
	async run({ flags, terminal }) {
		const format = listFormat(flags.format);
		const socket = terminal.paths.socket("gateway");
		// What may not be asked is not down.
		if (isForbidden({ unix: socket })) throw rpcFaults.SOCKET_FORBIDDEN({ service: "gateway", address: socket });
		const state = liveState(terminal.paths);
		if (state === undefined) throw supervisorFaults.CONTROL_PLANE_DOWN({});
		const now = new Date();
		const services = await Promise.all(state.services.map((service) => asked(service, terminal)));
		const listed = () => ({
			heads: ["SERVICE", "STATE", "PID", "SINCE", "RESTARTS"],
			rows: services.map(({ name, state: word, pid, since, restarts }) => [
				name,
				word,
				pid === 0 ? "-" : String(pid),
				ago(new Date(since), now),
				String(restarts),
			]),
			json: services.map(({ name, state: word, pid, since, restarts, problem }) => {
				return {
					Service: name,
					State: word,
					Pid: pid,
					Since: new Date(since).toISOString(),
					Restarts: restarts,
					Problem: problem,
				};
			}),
			ids: services.map(({ name }) => name),
		});
		await terminal.out(listText(listed, format));
		if (format.kind === "table") await terminal.out(`\n${await counts(terminal)}\n`);
		return services.every(({ state: word }) => word === "serving") ? 0 : 1;
	},
});

type Asked = Omit<ServiceState, "state"> & { readonly state: string };

/** The supervisor says what it has seen; whether a service answers is asked of itself. */
async function asked(service: ServiceState, { paths }: Terminal): Promise<Asked> {
	if (service.name === "nats" || service.state !== "serving") return service;
	const health = await checkHealth({ unix: paths.socket(service.name) });
	return health === "SERVING" ? service : { ...service, state: "not answering" };
}

async function counts(terminal: Terminal): Promise<string> {
	const { paths } = terminal;
	const count = async (body: () => Promise<string>): Promise<string> => body().catch(() => "?");
	const containers = count(async () => {
		using gateway = connect(paths, "gateway", ContainerServiceService, { isPatient: false });
		const all = await allPages(
			(page) => gateway.listContainers(ListContainersRequest.fromPartial({ ...page, all: true })),
			(answer) => answer.containers,
		);
		return `${all.length} (${all.filter(({ pid }) => pid > 0).length} running)`;
	});
	const networks = count(async () => {
		using netd = connect(paths, "netd", NetworkServiceService, { isPatient: false });
		const all = await allPages(
			(page) => netd.listNetworks(ListNetworksRequest.fromPartial(page)),
			(answer) => answer.networks,
		);
		return String(all.length);
	});
	const volumes = count(async () => {
		using volumed = connect(paths, "volumed", VolumeServiceService, { isPatient: false });
		const all = await allPages(
			(page) => volumed.listVolumes(ListVolumesRequest.fromPartial(page)),
			(answer) => answer.volumes,
		);
		return String(all.length);
	});
	return `Containers: ${await containers}   Networks: ${await networks}   Volumes: ${await volumes}   Root: ${paths.root}`;
}
