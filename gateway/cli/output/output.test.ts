import { describe, expect, test } from "vitest";
import { Container } from "#gen/wharf/container/v1/container.ts";
import { Event } from "#gen/wharf/event/v1/event.ts";
import { Endpoint } from "#gen/wharf/network/v1/endpoint.ts";
import { Network } from "#gen/wharf/network/v1/network.ts";
import { listFormat, listText } from "../format.ts";
import { containerJson } from "./container-json.ts";
import { PS_HEADS, psRow } from "./container-text.ts";
import { eventJson, eventLine } from "./event-text.ts";
import { networkJson } from "./network-json.ts";
import { hostSide, publishedLine } from "./published.ts";
import { ago, duration, elapsed, size } from "./quantity.ts";
import { table } from "./table.ts";

const NOW = new Date("2026-01-02T03:04:05Z");
const before = (seconds: number): Date => new Date(NOW.getTime() - seconds * 1000);

const ENDPOINT = Endpoint.fromPartial({
	id: "e".repeat(64),
	networkId: "a".repeat(64),
	networkName: "front",
	sandboxId: "5".repeat(64),
	owner: "c".repeat(64),
	name: "web",
	mac: "02:42:ac:12:00:02",
	addresses: ["172.18.0.2/16"],
	gateways: ["172.18.0.1"],
	defaultGateway: true,
	aliases: ["www"],
	ports: [{ protocol: "PROTOCOL_TCP", hostAddress: "", hostPort: 8080, containerPort: 80 }],
});

const WEB = Container.fromPartial({
	id: "c".repeat(64),
	spec: {
		name: "web",
		image: "host",
		command: ["python3", "-m", "http.server", "80"],
		networks: [{ network: "front" }],
	},
	state: "CONTAINER_STATE_RUNNING",
	createdAt: before(150),
	startedAt: before(149),
	pid: 4711,
	endpoints: [ENDPOINT],
	mounts: [
		{
			destination: "/data",
			source: "/var/lib/wharf/views/1",
			origin: "/var/lib/wharf/volumes/data/_data",
			type: "bind",
			options: ["rbind", "rprivate"],
			volume: "data",
			driver: "local",
			mode: "z",
			readOnly: false,
		},
	],
});

describe("tables", () => {
	test("ps, as Docker prints it", () => {
		const ended = Container.fromPartial({
			id: "d".repeat(64),
			spec: { name: "job", image: "host", command: ["true"] },
			state: "CONTAINER_STATE_EXITED",
			createdAt: before(7200),
			finishedAt: before(3),
			exitCode: 7,
		});
		expect(table(PS_HEADS, [psRow(WEB, NOW), psRow(ended, NOW)])).toBe(
			[
				"CONTAINER ID   IMAGE   COMMAND                  CREATED         STATUS                     PORTS                  NAMES",
				'cccccccccccc   host    "python3 -m http.ser…"   2 minutes ago   Up 2 minutes               0.0.0.0:8080->80/tcp   web',
				'dddddddddddd   host    "true"                   2 hours ago     Exited (7) 3 seconds ago                          job',
				"",
			].join("\n"),
		);
	});

	test("formats", () => {
		const listed = () => ({
			heads: ["NAME"],
			rows: [["a"], ["b"]],
			json: [{ Name: "a" }, { Name: "b" }],
			ids: ["1", "2"],
		});
		expect(listText(listed, listFormat())).toBe("NAME\na\nb\n");
		expect(listText(listed, listFormat("json"))).toBe('{"Name":"a"}\n{"Name":"b"}\n');
		expect(listText(listed, listFormat(), true)).toBe("1\n2\n");
		expect(() => listFormat("yaml")).toThrow("it has to be json, table or a template");
	});
});

describe("published ports", () => {
	const port = (hostPort: number, containerPort: number, hostAddress = "") => ({
		protocol: "PROTOCOL_TCP",
		hostAddress,
		hostPort,
		containerPort,
	});

	test("neighbours fold into ranges", () => {
		expect(publishedLine([port(8001, 81), port(8000, 80), port(9000, 90, "127.0.0.1")])).toBe(
			"0.0.0.0:8000-8001->80-81/tcp, 127.0.0.1:9000->90/tcp",
		);
		expect(publishedLine([port(8000, 80), port(8002, 81)])).toBe("0.0.0.0:8000->80/tcp, 0.0.0.0:8002->81/tcp");
		expect(publishedLine([])).toBe("");
		expect(publishedLine([port(0, 80), port(0, 81), port(8000, 90)])).toBe("80-81/tcp, 0.0.0.0:8000->90/tcp");
	});

	test("an IPv6 address stands in brackets", () => expect(hostSide(port(80, 80, "::1"))).toBe("[::1]:80"));
});

describe("JSON in Docker's shape", () => {
	test("a container's names and those that it is told", () => {
		const links = [{ container: "db", alias: "store" }];
		const spec = {
			...WEB.spec,
			networks: [{ network: "bridge", links }],
			hostname: "web",
			domainname: "example.org",
			dns: { servers: ["192.0.2.53"], search: ["a.test"], options: ["rotate"] },
			extraHosts: [{ name: "host", address: "host-gateway" }],
		};
		const endpoints = [{ ...ENDPOINT, links: { store: "db" } }];
		expect(containerJson(Container.fromPartial({ ...WEB, spec, endpoints }))).toMatchObject({
			HostConfig: {
				Dns: ["192.0.2.53"],
				DnsSearch: ["a.test"],
				DnsOptions: ["rotate"],
				ExtraHosts: ["host:host-gateway"],
				Links: ["/db:/web/store"],
			},
			Config: { Hostname: "web", Domainname: "example.org" },
			NetworkSettings: { Networks: { front: { Links: ["db:store"] } } },
		});
		expect(containerJson(WEB)).toMatchObject({
			HostConfig: { Dns: [], DnsSearch: [], DnsOptions: [], ExtraHosts: [], Links: null },
			NetworkSettings: { Networks: { front: { Links: null } } },
		});
	});

	test("a network's servers, where it has some", () => {
		const network = Network.fromPartial({ name: "front", dnsServers: ["192.0.2.53"] });
		expect(networkJson(network, [])).toHaveProperty("Dns", ["192.0.2.53"]);
		expect(networkJson(Network.fromPartial({ name: "front" }), [])).not.toHaveProperty("Dns");
	});

	test("a container", () => {
		expect(containerJson(WEB)).toMatchObject({
			Id: "c".repeat(64),
			Name: "/web",
			Path: "python3",
			Args: ["-m", "http.server", "80"],
			State: { Status: "running", Running: true, Pid: 4711, ExitCode: 0, FinishedAt: "0001-01-01T00:00:00Z" },
			Mounts: [
				{
					Type: "volume",
					Name: "data",
					Source: "/var/lib/wharf/volumes/data/_data",
					Destination: "/data",
					Driver: "local",
					Mode: "z",
					RW: true,
					Propagation: "",
				},
			],
			NetworkSettings: {
				IPAddress: "172.18.0.2",
				IPPrefixLen: 16,
				Gateway: "172.18.0.1",
				MacAddress: "02:42:ac:12:00:02",
				Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }] },
				Networks: {
					front: { NetworkID: "a".repeat(64), EndpointID: "e".repeat(64), Aliases: ["www"], IPAddress: "172.18.0.2" },
				},
			},
		});
	});

	test("a network", () => {
		const network = Network.fromPartial({
			id: "a".repeat(64),
			name: "front",
			driver: "bridge",
			scope: "SCOPE_LOCAL",
			createdAt: NOW,
			subnets: [{ cidr: "172.18.0.0/16", gateway: "172.18.0.1" }],
			labels: { tier: "1" },
		});
		expect(networkJson(network, [ENDPOINT])).toEqual({
			Name: "front",
			Id: "a".repeat(64),
			Created: NOW.toISOString(),
			Scope: "local",
			Driver: "bridge",
			EnableIPv6: false,
			IPAM: { Driver: "default", Options: {}, Config: [{ Subnet: "172.18.0.0/16", Gateway: "172.18.0.1" }] },
			Internal: false,
			Attachable: false,
			Ingress: false,
			ConfigFrom: { Network: "" },
			ConfigOnly: false,
			Containers: {
				["c".repeat(64)]: {
					Name: "web",
					EndpointID: "e".repeat(64),
					MacAddress: "02:42:ac:12:00:02",
					IPv4Address: "172.18.0.2/16",
					IPv6Address: "",
				},
			},
			Options: {},
			Labels: { tier: "1" },
		});
	});
});

describe("events", () => {
	const event = Event.fromPartial({
		id: "h/gateway/e/7",
		host: "h",
		service: "gateway",
		epoch: "e",
		row: 7n,
		occurredAt: NOW,
		payload: { $case: "container", value: { action: "ACTION_EXITED", containerId: "c1", name: "web", exitCode: 3 } },
	});

	test("a line", () => {
		expect(eventLine(event)).toBe("2026-01-02T03:04:05.000Z container exited c1 (name=web, exit_code=3)\n");
	});

	test("an object", () => {
		expect(JSON.parse(eventJson(event))).toEqual({
			id: "h/gateway/e/7",
			host: "h",
			service: "gateway",
			epoch: "e",
			row: "7",
			time: NOW.toISOString(),
			type: "container",
			action: "exited",
			attributes: { action: "ACTION_EXITED", containerId: "c1", name: "web", exitCode: 3 },
		});
	});
});

describe("quantities", () => {
	test.each([
		[400, "Less than a second"],
		[1_000, "1 second"],
		[59_000, "59 seconds"],
		[60_000, "About a minute"],
		[180_000, "3 minutes"],
		[3_600_000, "About an hour"],
		[7_200_000, "2 hours"],
		[3 * 86_400_000, "3 days"],
		[21 * 86_400_000, "3 weeks"],
		[100 * 86_400_000, "3 months"],
		[800 * 86_400_000, "2 years"],
	])("%d ms", (ms, text) => expect(duration(ms)).toBe(text));

	test("sizes and times", () => {
		expect([0, 999, 1_000, 1_536, 27_300_000, 5_000_000_000n].map(size)).toEqual([
			"0B",
			"999B",
			"1kB",
			"1.536kB",
			"27.3MB",
			"5GB",
		]);
		expect([elapsed(311.6), elapsed(2_140)]).toEqual(["312 ms", "2.1 s"]);
		expect(ago(before(5), NOW)).toBe("5 seconds ago");
	});
});
