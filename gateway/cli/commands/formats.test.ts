/** `--format` of whole commands, against services that answer as told. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Container, ContainerServiceService } from "#gen/wharf/container/v1/container.ts";
import { EndpointServiceService } from "#gen/wharf/network/v1/endpoint.ts";
import { Network, NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { MountSpec, Volume, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import { Fault } from "#lib/fault/fault.ts";
import { answers, stage } from "../testing/services.ts";

let here: ReturnType<typeof stage>;
beforeEach(() => void (here = stage()));
afterEach(() => here[Symbol.asyncDispose]());

const anonymous = (destination: string) => {
	const source = { $case: "volume", value: { name: "" } } as const;
	return MountSpec.fromPartial({ destination, source });
};
const WEB = Container.fromPartial({
	id: "c".repeat(64),
	spec: { name: "web", image: "host", command: ["sleep", "9"], labels: { tier: "1" }, mounts: [anonymous("/volume1")] },
	state: "CONTAINER_STATE_RUNNING",
	pid: 4711,
	endpoints: [{ networkName: "front", addresses: ["172.18.0.2/16"] }],
});
const FRONT = Network.fromPartial({
	id: "a".repeat(64),
	name: "front",
	driver: "bridge",
	subnets: [{ cidr: "172.18.0.0/16", gateway: "172.18.0.1" }],
	labels: { tier: "1" },
});
const DATA = Volume.fromPartial({
	name: "data",
	driver: "local",
	labels: { team: "blue" },
	mountpoint: "/v/data/_data",
});

function absent(): never {
	throw new Fault({ code: "NOT_FOUND", reason: "NOT_THERE", domain: "test", message: "There is none." });
}

async function serveAll(): Promise<void> {
	const page = { nextPageToken: "" };
	await here.serve(
		"gateway",
		answers(ContainerServiceService, {
			getContainer: ({ container }) => (container === "web" ? { container: WEB } : absent()),
			listContainers: () => ({ containers: [WEB], ...page }),
		}),
	);
	await here.serve(
		"netd",
		answers(NetworkServiceService, {
			getNetwork: ({ network }) => (network === "front" ? { network: FRONT } : absent()),
			listNetworks: () => ({ networks: [FRONT], ...page }),
		}),
		answers(EndpointServiceService, { listEndpoints: () => ({ endpoints: [], ...page }) }),
	);
	await here.serve(
		"volumed",
		answers(VolumeServiceService, {
			getVolume: ({ name }) => (name === "data" ? { volume: DATA } : absent()),
			listVolumes: () => ({ volumes: [DATA], ...page }),
		}),
	);
}

describe("as documents have it", () => {
	beforeEach(serveAll);

	test.each([
		[["inspect", "-f", "{{ .Config.Volumes }}", "web"], "map[/volume1:{}]\n"],
		[["inspect", "--format={{ .Volumes }}", "web"], "map[/volume1:{}]\n"],
		[["inspect", "-f", "{{.State.Pid}} {{.ID}}", "web"], `4711 ${"c".repeat(64)}\n`],
		[["inspect", "-f", "{{.HostConfig.Binds}} {{.HostConfig.Links}}", "web"], "[] []\n"],
		[
			["inspect", "-f", "{{range $n, $e := .NetworkSettings.Networks}}{{$n}}={{$e.IPAddress}}{{end}}", "web"],
			"front=172.18.0.2\n",
		],
		[["inspect", "-f", "{{.Name}}", "web", "front", "data"], "/web\nfront\ndata\n"],
		[
			["network", "inspect", "-f", "{{.Name}} {{.Containers}} {{(index .IPAM.Config 0).Subnet}}", "front"],
			"front map[] 172.18.0.0/16\n",
		],
		[
			["network", "inspect", "-f", "{{json .IPAM.Config}}", "front"],
			'[{"Subnet":"172.18.0.0/16","Gateway":"172.18.0.1"}]\n',
		],
		[
			["volume", "inspect", "-f", "{{.Mountpoint}} {{.Labels}} {{.Options}}", "data"],
			"/v/data/_data map[team:blue] map[]\n",
		],
		[["volume", "ls", "--format", "{{.Name}}: {{.Driver}}"], "data: local\n"],
		[["volume", "ls", "--format", 'table {{.Name}}\\t{{.Label "team"}}'], "VOLUME NAME   team\ndata          blue\n"],
		[["network", "ls", "--format", '{{.ID}} {{.Name}} {{.Label "tier"}}'], "aaaaaaaaaaaa front 1\n"],
		[["network", "ls", "--format", "table {{.ID}}\\t{{.Scope}}"], "NETWORK ID     SCOPE\naaaaaaaaaaaa   local\n"],
		[["ps", "--format", "{{.Names}}\\t{{.State}}"], "web\trunning\n"],
		[["ps", "--format", "table {{.ID}}\\t{{.Networks}}"], "CONTAINER ID   NETWORKS\ncccccccccccc   front\n"],
		[["ps", "-q", "--format", "{{.Names}}"], "cccccccccccc\n"],
	])("%j", async (args, out) => expect(await here.wharf(args)).toEqual({ status: 0, out, err: "" }));

	test("{{json .}} is what `json` is", async () => {
		for (const list of [["ps"], ["network", "ls"], ["volume", "ls"]]) {
			const [byTemplate, json] = await Promise.all(
				["{{json .}}", "json"].map((format) => here.wharf([...list, "--format", format])),
			);
			expect(byTemplate).toEqual(json);
		}
		const { out } = await here.wharf(["inspect", "-f", "{{json .}}", "web"]);
		expect([JSON.parse(out)]).toEqual(JSON.parse((await here.wharf(["inspect", "web"])).out));
	});

	test("what one of several has not is told, and the others are printed", async () => {
		const { status, out, err } = await here.wharf(["inspect", "-f", "{{.State.Pid}}", "front", "web", "nobody"]);
		expect([status, out]).toEqual([1, "4711\n"]);
		expect(err).toContain("wharf: There is no .State, which the template asks for at 1:3: it has other fields.\n");
		expect(err).toContain('There is no container, network or volume "nobody".');
	});

	test("the nearest field is named", async () => {
		const { status, out, err } = await here.wharf(["volume", "ls", "--format", "{{.Nmae}}"]);
		expect([status, out]).toEqual([1, ""]);
		expect(err).toBe(
			"wharf: There is no .Nmae, which the template asks for at 1:3; did you mean Name?\n`{{json .}}` prints all that there is to ask for.\n",
		);
	});
});

describe("refused before anything is asked of a service", () => {
	const LISTS = [["ps"], ["network", "ls"], ["volume", "ls"], ["status"], ["doctor"], ["dns", "status"]];
	const INSPECTS = [
		["inspect", "x"],
		["network", "inspect", "x"],
		["volume", "inspect", "x"],
	];

	test.each([...LISTS, ...INSPECTS])("%s %s", async (...words) => {
		const ended = await here.wharf([...words, "--format", "{{.Name"]);
		expect(ended).toMatchObject({
			status: 1,
			out: "",
			err: expect.stringContaining("The template is not valid at 1:1"),
		});
		const { err } = await here.wharf([...words, "--format", "yaml"]);
		expect(err).toContain('wharf: The format "yaml" is not valid: it has to be json');
	});
});
