import { afterEach, beforeEach, expect, test } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { type FlowFilter, FlowTable } from "./conntrack.ts";
import { countFlows } from "./conntrack-count.ts";
import { runIn, ScratchNetns } from "./test-support/scratch-netns.ts";

let scratch: ScratchNetns;
let netns: string;

beforeEach(() => {
	scratch = new ScratchNetns();
	netns = scratch.create("a");
});

afterEach(() => {
	scratch[Symbol.dispose]();
});

function add(...args: readonly string[]): void {
	runIn(netns, "conntrack", "-I", "-t", "600", ...args);
}

function flow(protocol: string, source: string, destination: string, port: number, ...more: readonly string[]): void {
	const state = protocol === "tcp" ? ["--state", "ESTABLISHED"] : [];
	add("-p", protocol, "-s", source, "-d", destination, "--sport", "4000", "--dport", String(port), ...state, ...more);
}

/** As conntrack(8) has them: original destination and port. */
function flows(): string[] {
	const lines = ["ipv4", "ipv6"].flatMap((family) => runIn(netns, "conntrack", "-L", "-f", family).split("\n"));
	return lines
		.filter((line) => line !== "")
		.map((line) => `${/^\w+/.exec(line)?.[0]} ${/dst=(\S+)/.exec(line)?.[1]} ${/dport=(\d+)/.exec(line)?.[1]}`)
		.sort();
}

const tcp80 = { protocol: "tcp", port: 80 } as const;

async function removeFlows(filters: readonly FlowFilter[], netns: string): Promise<number> {
	using flows = FlowTable.open(netns);
	return await flows.remove(filters);
}

test("flows go by where they were sent, at one address or any", async () => {
	flow("tcp", "10.0.0.1", "192.0.2.1", 80);
	flow("tcp", "10.0.0.1", "192.0.2.2", 80);
	flow("tcp", "fd00::1", "fd00::2", 80);
	flow("udp", "10.0.0.1", "192.0.2.1", 80);
	flow("tcp", "10.0.0.1", "192.0.2.1", 81);
	expect(flows()).toHaveLength(5);
	expect(await removeFlows([{ originalDestination: { ...tcp80, ip: Ip.parse("192.0.2.1") } }], netns)).toBe(1);
	expect(flows()).toEqual(["tcp 192.0.2.1 81", "tcp 192.0.2.2 80", "tcp fd00::2 80", "udp 192.0.2.1 80"]);
	expect(await removeFlows([{ originalDestination: tcp80 }], netns)).toBe(2);
	expect(flows()).toEqual(["tcp 192.0.2.1 81", "udp 192.0.2.1 80"]);
	expect(await removeFlows([{ originalDestination: tcp80 }], netns)).toBe(0);
	expect(await removeFlows([], netns)).toBe(0);
});

test("flows go by any of many ports at any of many addresses", async () => {
	for (const address of ["192.0.2.1", "192.0.2.2", "192.0.2.3"])
		for (const port of [80, 81, 82]) flow("tcp", "10.0.0.1", address, port);
	flow("udp", "10.0.0.1", "192.0.2.1", 80);
	const ips = ["192.0.2.1", "192.0.2.2", "2001:db8::1"].map((text) => Ip.parse(text));
	const services = [tcp80, { protocol: "tcp", port: 81 } as const];
	expect(await removeFlows([{ originalDestinations: { services, ips } }], netns)).toBe(4);
	const left = ["tcp 192.0.2.1 82", "tcp 192.0.2.2 82", "tcp 192.0.2.3 80", "tcp 192.0.2.3 81", "tcp 192.0.2.3 82"];
	expect(flows()).toEqual([...left, "udp 192.0.2.1 80"]);
});

test("flows are counted without being read", () => {
	expect(countFlows(netns)).toBe(0);
	flow("tcp", "10.0.0.1", "192.0.2.1", 80);
	flow("udp", "fd00::1", "fd00::2", 53);
	expect(countFlows(netns)).toBe(2);
});

test("flows go by the container they were translated to", async () => {
	flow("tcp", "10.0.0.1", "192.0.2.1", 8080, "--dst-nat", "172.20.0.2:80");
	flow("tcp", "10.0.0.3", "192.0.2.1", 8081, "--dst-nat", "172.20.0.3:80");
	flow("tcp", "10.0.0.3", "172.20.0.9", 80);
	expect(await removeFlows([{ target: { ...tcp80, ip: Ip.parse("172.20.0.2") } }], netns)).toBe(1);
	expect(flows()).toEqual(["tcp 172.20.0.9 80", "tcp 192.0.2.1 8081"]);
});

test("flows go by an address at either end, translated or not, and in every zone", async () => {
	flow("tcp", "10.0.0.1", "192.0.2.1", 1, "--dst-nat", "172.20.0.2");
	flow("udp", "172.20.0.2", "192.0.2.1", 2);
	flow("udp", "10.0.0.1", "172.20.0.2", 3, "--zone", "7");
	flow("udp", "10.0.0.1", "172.20.0.3", 4);
	add("-p", "icmp", "-s", "172.20.0.2", "-d", "192.0.2.1", "--icmp-type", "8", "--icmp-code", "0", "--icmp-id", "1");
	expect(flows()).toHaveLength(5);
	expect(await removeFlows([{ address: Ip.parse("172.20.0.2") }], netns)).toBe(4);
	expect(flows()).toEqual(["udp 172.20.0.3 4"]);
});

test("many filters and many flows are one reading, and another namespace keeps its own", async () => {
	const other = scratch.create("b");
	runIn(
		other,
		"conntrack",
		"-I",
		"-t",
		"600",
		"-p",
		"udp",
		"-s",
		"10.0.0.1",
		"-d",
		"10.0.0.2",
		"--sport",
		"1",
		"--dport",
		"1",
	);
	const lines = Array.from({ length: 1500 }, (_, index) => {
		const port = index + 1;
		return `-I -t 600 -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 4000 --dport ${port}`;
	});
	runIn(netns, "sh", "-c", `printf '%s\\n' "$0" | conntrack -R -`, lines.join("\n"));
	expect(flows()).toHaveLength(1500);
	const filters = Array.from({ length: 1000 }, (_, index) => ({
		originalDestination: { protocol: "udp", port: index + 1 } as const,
	}));
	expect(await removeFlows(filters, netns)).toBe(1000);
	expect(flows()).toHaveLength(500);
	expect(runIn(other, "conntrack", "-C").trim()).toBe("1");
});
