/** Beside the real Docker Engine, ufw and firewalld: with the operator's consent wharf's traffic flows, and theirs as before. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { leftovers } from "../support/audit/leftovers.ts";
import { eventually } from "../support/eventually.ts";
import { Docker, prepareUfw, startFirewalld } from "../support/firewalls.ts";
import { Host, HOST_ADDRESS, OUTSIDE_ADDRESS } from "../support/host.ts";
import { webServer } from "../support/web.ts";

const OUTSIDE = { netns: "outside" } as const;
const URL = `http://${HOST_ADDRESS}:8080/`;

let host: Host;
beforeEach(async () => {
	host = await Host.boot();
	const [server = "", ...args] = webServer(9000, "from outside");
	host.start(server, args, OUTSIDE);
});
afterEach(() => host[Symbol.asyncDispose]());

async function up(netd: object): Promise<void> {
	await mkdir(host.root, { recursive: true });
	await writeFile(join(host.root, "wharf.json"), JSON.stringify({ netd }));
	await host.wharfOk("up");
	await host.wharfOk("network", "create", "front");
	await host.wharfOk(
		"run",
		"-d",
		"--name",
		"web",
		"--network",
		"front",
		"-p",
		"8080:80",
		"host",
		...webServer(80, "$client"),
	);
}

/** Others from now on; containers and traffic go on meanwhile. */
async function settings(netd: object): Promise<void> {
	await writeFile(join(host.root, "wharf.json"), JSON.stringify({ netd }));
	await host.wharfOk("down");
	await host.wharfOk("up");
}

/** From outside to what is published, and from a container to outside. */
async function flows(): Promise<void> {
	await eventually(async () => expect(await host.fetch(URL, OUTSIDE)).toContain(OUTSIDE_ADDRESS), 30_000);
	const ask = ["exec", "web", "curl", "-s", "--max-time", "3", `http://${OUTSIDE_ADDRESS}:9000/`];
	await eventually(async () => expect(await host.wharfOk(...ask)).toBe("from outside"), 30_000);
}

const isCut = () => eventually(async () => expect(await host.fetch(URL, OUTSIDE)).toBeUndefined(), 30_000);

/** The lines of a command's output that speak of wharf. */
const ours = async (file: string, ...args: string[]): Promise<string[]> =>
	(await host.ok(file, args))
		.split("\n")
		.filter((line) => line.includes("wharf"))
		.map((line) => line.trim());

async function down(): Promise<void> {
	await host.wharfOk("down", "--all", "--volumes");
	// Programs of others run on.
	expect((await leftovers(host)).filter((one) => /^(rule|nft|link (wh|wv))/.test(one))).toEqual([]);
}

test("Docker Engine, started after wharf and before it", async () => {
	await up({ foreignFirewall: "adapt" });
	await flows();
	const docker = await Docker.start(host);
	try {
		// It drops only where it was the one that switched forwarding on.
		await flows();
		expect(await ours("iptables-save")).toEqual([]);
		await down();
		await host.ok("sysctl", ["-qw", "net.ipv4.ip_forward=0"]);
		await docker.restart();
		expect(await host.ok("iptables", ["-S", "FORWARD"])).toContain("-P FORWARD DROP");

		// Without consent nothing is touched, and what to type is said.
		const rules = async () => (await host.ok("iptables-save", [])).replaceAll(/\[\d+:\d+\]|^#.*/gm, "");
		const before = await rules();
		await up({});
		await eventually(async () => expect(await host.fetch("http://127.0.0.1:8080/")).toBeDefined(), 30_000);
		expect(await host.fetch(URL, OUTSIDE)).toBeUndefined();
		expect((await host.wharf(["doctor"])).stdout).toContain("iptables -I DOCKER-USER -i wharf0 -j ACCEPT");
		expect(await rules()).toBe(before);
		await settings({ foreignFirewall: "adapt" });
		await flows();
		const place = ["-A DOCKER-USER -m mark --mark 0x4000000/0x4000000 -m comment --comment wharf -j ACCEPT"];
		expect(await ours("iptables", "-S", "DOCKER-USER")).toEqual(place);
		expect(await ours("iptables-save")).toEqual(place);

		// Its own container is reached and reaches out as before, and is as apart from ours as before.
		const theirs = await docker.run("theirs", "-p", "9090:80");
		const inTheirs = (...command: string[]): [string, string[]] => ["nsenter", ["-t", theirs, "-n", "--", ...command]];
		for (const port of [80, 81]) host.start(...inTheirs(...webServer(port, "docker's")));
		const fromOutside = () => host.fetch(`http://${HOST_ADDRESS}:9090/`, OUTSIDE);
		await eventually(async () => expect(await fromOutside()).toBe("docker's"));
		expect(await host.ok(...inTheirs("curl", "-s", "--max-time", "3", `http://${OUTSIDE_ADDRESS}:9000/`))).toBe(
			"from outside",
		);
		const address = (await docker.ok("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "theirs")).trim();
		await eventually(async () => expect(await host.fetch(`http://${address}:81/`)).toBe("docker's"));
		const across = ["exec", "web", "curl", "-s", "--max-time", "2", `http://${address}:81/`];
		expect((await host.wharf(across)).exitCode).toBe(28);

		await docker.restart();
		await flows();
		// Consent is withdrawn, and given again; what is not there is not missed.
		await settings({});
		expect(await ours("iptables-save")).toEqual([]);
		await settings({ foreignFirewall: "adapt" });
		await flows();
		await down();
		expect(await ours("iptables-save")).toEqual([]);
	} finally {
		await docker.remove();
	}
});

test("ufw enabled, reloaded, with a rule of the operator's, and disabled", async () => {
	await up({ foreignFirewall: "adapt" });
	await prepareUfw(host);
	await host.ok("ufw", ["--force", "enable"]);
	await flows();
	const place = ["-A ufw-user-forward -m mark --mark 0x4000000/0x4000000 -m comment --comment wharf -j ACCEPT"];
	expect(await ours("iptables", "-S")).toEqual(place);
	expect(await ours("ip6tables-save")).toHaveLength(1);
	await host.ok("ufw", ["reload"]);
	await flows();
	// Written behind ours, it comes first all the same.
	await host.ok("ufw", ["route", "deny", "proto", "tcp", "from", OUTSIDE_ADDRESS, "to", "any", "port", "80"]);
	await isCut();
	await host.ok("ufw", ["route", "delete", "deny", "proto", "tcp", "from", OUTSIDE_ADDRESS, "to", "any", "port", "80"]);
	await flows();
	expect(await audit(host)).toEqual([]);
	expect(await host.ok("ufw", ["disable"])).toContain("stopped");
	await flows();
	await eventually(async () =>
		expect(await host.ok("nft", ["list", "table", "inet", "wharf"])).not.toContain("let_through"),
	);
	await host.ok("ufw", ["--force", "enable"]);
	await flows();
	await down();
	expect(await host.ok("ufw", ["status"])).toContain("active");
});

test("firewalld started, and reloaded", async () => {
	await up({ foreignFirewall: "adapt" });
	await startFirewalld(host);
	await flows();
	for (const reload of ["--reload", "--complete-reload"]) {
		await host.ok("firewall-cmd", [reload]);
		await flows();
		expect(await ours("nft", "list", "chain", "inet", "firewalld", "filter_FORWARD")).toHaveLength(1);
	}
	expect(await audit(host)).toEqual([]);
	await down();
	expect(await host.ok("firewall-cmd", ["--state"])).toContain("running");
});

test("ufw decides from where a published port is reached, where the operator has it so", async () => {
	const another = "198.51.100.3";
	await host.ok("ip", ["-n", "outside", "address", "add", `${another}/24`, "dev", "eth0"]);
	const from = (address: string) => host.run("curl", ["-s", "--max-time", "2", "--interface", address, URL], OUTSIDE);
	const reaches = (address: string) =>
		eventually(async () => expect((await from(address)).stdout).toContain(address), 30_000);
	const isDenied = (address: string) => eventually(async () => expect((await from(address)).exitCode).toBe(28), 30_000);

	await up({ foreignFirewall: "adapt", publishPolicy: "respect-host" });
	await reaches(another);
	await prepareUfw(host);
	await host.ok("ufw", ["--force", "enable"]);
	await isDenied(another);
	expect(await host.fetch("http://127.0.0.1:8080/")).toBeDefined();
	await host.ok("ufw", ["allow", "8080/tcp"]);
	await reaches(another);
	await host.ok("ufw", ["delete", "allow", "8080/tcp"]);
	await host.ok("ufw", ["deny", "8080"]);
	await isDenied(another);
	await host.ok("ufw", ["insert", "1", "allow", "proto", "tcp", "from", another, "to", "any", "port", "8080"]);
	await host.ok("ufw", ["reload"]);
	await reaches(another);
	await isDenied(OUTSIDE_ADDRESS);
	expect(await audit(host)).toEqual([]);
	// The same from now on for everybody, and nothing of it left.
	await settings({ foreignFirewall: "adapt" });
	await flows();
	expect(await audit(host)).toEqual([]);
	await down();
});

test("firewalld decides, and `down --all` leaves nothing of that", async () => {
	await up({ foreignFirewall: "adapt", publishPolicy: "respect-host" });
	await startFirewalld(host);
	await isCut();
	await host.ok("firewall-cmd", ["--add-port", "8080/tcp"]);
	await flows();
	await host.ok("firewall-cmd", ["--remove-port", "8080/tcp"]);
	await isCut();
	expect(await audit(host)).toEqual([]);
	await down();
});
