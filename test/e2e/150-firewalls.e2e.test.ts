/**
 * Beside the real Docker Engine, ufw and firewalld: with the operator's consent wharf's traffic flows, and theirs as before; and they
 * decide about published ports where he has it so. Each on a host of its own, all at the same time.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { leftovers } from "../support/audit/leftovers.ts";
import { eventually } from "../support/eventually.ts";
import { Docker, prepareUfw, startFirewalld } from "../support/firewalls.ts";
import { Host, HOST_ADDRESS, OUTSIDE_ADDRESS } from "../support/host.ts";
import { webServer } from "../support/web.ts";

const OUTSIDE = { netns: "outside" } as const;
const URL = `http://${HOST_ADDRESS}:8080/`;
/** Another address of the namespace outside. */
const ANOTHER = "198.51.100.3";

const ADAPT = { foreignFirewall: "adapt" };
const RESPECT = { ...ADAPT, publishPolicy: "respect-host" };

/** A host with a web server outside, and wharf with one inside that is published at 8080. */
class Scene implements AsyncDisposable {
	readonly host: Host;

	private constructor(host: Host) {
		this.host = host;
	}

	static async boot(): Promise<Scene> {
		const host = await Host.boot();
		await host.ok("ip", ["-n", "outside", "address", "add", `${ANOTHER}/24`, "dev", "eth0"]);
		const [server = "", ...args] = webServer(9000, "from outside");
		host.start(server, args, OUTSIDE);
		return new Scene(host);
	}

	async up(netd: object): Promise<void> {
		await this.#write(netd);
		await this.host.wharfOk("up");
		await this.host.wharfOk("network", "create", "front");
		const web = ["run", "-d", "--name", "web", "--network", "front", "-p", "8080:80", "host"];
		await this.host.wharfOk(...web, ...webServer(80, "$client"));
	}

	/** Others from now on; containers and traffic go on meanwhile. */
	async settings(netd: object): Promise<void> {
		await this.#write(netd);
		await this.host.wharfOk("down");
		await this.host.wharfOk("up");
	}

	/** From a container to outside, and from outside to what is published. */
	async flows(): Promise<void> {
		const ask = ["exec", "web", "curl", "-s", "--max-time", "3", `http://${OUTSIDE_ADDRESS}:9000/`];
		await eventually(async () => expect(await this.host.wharfOk(...ask)).toBe("from outside"), 30_000);
		await this.reaches(OUTSIDE_ADDRESS);
	}

	/** A client with this address gets its answer, and is seen as what it is. */
	async reaches(address: string): Promise<void> {
		await eventually(async () => expect((await this.#from(address)).stdout).toContain(address), 30_000);
	}

	/** It gets none, and no refusal either. */
	async isCut(address = OUTSIDE_ADDRESS): Promise<void> {
		await eventually(async () => expect((await this.#from(address)).stdout).toBe(""), 30_000);
	}

	/** The lines of a command's output that speak of wharf. */
	async ours(file: string, ...args: string[]): Promise<string[]> {
		const lines = (await this.host.ok(file, args)).split("\n");
		return lines.filter((line) => line.includes("wharf")).map((line) => line.trim());
	}

	/** Programs of others run on. */
	async down(): Promise<void> {
		expect(await audit(this.host)).toEqual([]);
		await this.host.wharfOk("down", "--all", "--volumes");
		expect((await leftovers(this.host)).filter((one) => /^(rule|nft|link w)/.test(one))).toEqual([]);
	}

	#from(address: string) {
		return this.host.run("curl", ["-s", "--max-time", "2", "--interface", address, URL], OUTSIDE);
	}

	async #write(netd: object): Promise<void> {
		await mkdir(this.host.root, { recursive: true });
		await writeFile(join(this.host.root, "wharf.json"), JSON.stringify({ netd }));
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.host[Symbol.asyncDispose]();
	}
}

test.concurrent("Docker Engine, started after wharf and before it; consent given", async () => {
	await using scene = await Scene.boot();
	const { host } = scene;
	await scene.up(ADAPT);
	const docker = await Docker.start(host);
	try {
		// It drops only where it was the one that switched forwarding on.
		await scene.flows();
		expect(await scene.ours("iptables-save")).toEqual([]);
		await host.wharfOk("down", "--all", "--volumes");
		await host.ok("sysctl", ["-qw", "net.ipv4.ip_forward=0"]);
		await docker.restart();
		expect(await host.ok("iptables", ["-S", "FORWARD"])).toContain("-P FORWARD DROP");

		// Without consent nothing is touched, and what to type is said.
		const rules = async () => (await host.ok("iptables-save", [])).replaceAll(/\[\d+:\d+\]|^#.*/gm, "");
		const before = await rules();
		await scene.up({});
		await eventually(async () => expect(await host.fetch("http://127.0.0.1:8080/")).toBeDefined(), 30_000);
		expect(await host.fetch(URL, OUTSIDE)).toBeUndefined();
		expect((await host.wharf(["doctor"])).stdout).toContain("iptables -I DOCKER-USER -i wharf0 -j ACCEPT");
		expect(await rules()).toBe(before);
		await scene.settings(ADAPT);
		await scene.flows();
		const place = ["-A DOCKER-USER -m mark --mark 0x4000000/0x4000000 -m comment --comment wharf -j ACCEPT"];
		expect(await scene.ours("iptables", "-S", "DOCKER-USER")).toEqual(place);
		expect(await scene.ours("iptables-save")).toEqual(place);

		// Its own container is reached and reaches out as before, and is as apart from ours as before.
		const theirs = await docker.run("theirs", "-p", "9090:80");
		const inTheirs = (...command: string[]): [string, string[]] => ["nsenter", ["-t", theirs, "-n", "--", ...command]];
		for (const port of [80, 81]) host.start(...inTheirs(...webServer(port, "docker's")));
		const fromOutside = () => host.fetch(`http://${HOST_ADDRESS}:9090/`, OUTSIDE);
		await eventually(async () => expect(await fromOutside()).toBe("docker's"));
		const out = await host.ok(...inTheirs("curl", "-s", "--max-time", "3", `http://${OUTSIDE_ADDRESS}:9000/`));
		expect(out).toBe("from outside");
		const address = (await docker.ok("inspect", "-f", "{{.NetworkSettings.IPAddress}}", "theirs")).trim();
		await eventually(async () => expect(await host.fetch(`http://${address}:81/`)).toBe("docker's"));
		const across = ["exec", "web", "curl", "-s", "--max-time", "2", `http://${address}:81/`];
		expect((await host.wharf(across)).exitCode).toBe(28);

		await docker.restart();
		await scene.flows();
		await host.wharfOk("down", "--all", "--volumes");
		expect(await scene.ours("nft", "list", "ruleset")).toEqual([]);
	} finally {
		await docker.remove();
	}
});

test.concurrent("ufw enabled, reloaded, with a rule of the operator's, and disabled; and it decides about published ports", async () => {
	await using scene = await Scene.boot();
	const { host } = scene;
	await scene.up(ADAPT);
	await prepareUfw(host);
	await host.ok("ufw", ["--force", "enable"]);
	await scene.flows();
	const place = ["-A ufw-user-forward -m mark --mark 0x4000000/0x4000000 -m comment --comment wharf -j ACCEPT"];
	expect(await scene.ours("iptables", "-S")).toEqual(place);
	expect(await scene.ours("ip6tables-save")).toHaveLength(1);
	await host.ok("ufw", ["reload"]);
	await scene.flows();
	// Written behind ours, it comes first all the same.
	const denied = ["deny", "proto", "tcp", "from", OUTSIDE_ADDRESS, "to", "any", "port", "80"];
	await host.ok("ufw", ["route", ...denied]);
	await scene.isCut();
	await host.ok("ufw", ["route", "delete", ...denied]);
	await scene.flows();

	// Its rules for the host's own ports say nothing about a published one, until it is asked.
	await host.ok("ufw", ["deny", "8080"]);
	await scene.reaches(ANOTHER);
	await scene.settings(RESPECT);
	await scene.isCut(ANOTHER);
	expect(await host.fetch("http://127.0.0.1:8080/")).toBeDefined();
	await host.ok("ufw", ["insert", "1", "allow", "proto", "tcp", "from", ANOTHER, "to", "any", "port", "8080"]);
	await host.ok("ufw", ["reload"]);
	await scene.reaches(ANOTHER);
	await scene.isCut(OUTSIDE_ADDRESS);
	expect(await audit(host)).toEqual([]);
	await scene.settings(ADAPT);
	await scene.flows();

	expect(await host.ok("ufw", ["disable"])).toContain("stopped");
	await scene.flows();
	const table = () => host.ok("nft", ["list", "table", "inet", "wharf"]);
	await eventually(async () => expect(await table()).not.toContain("let_through"));
	await host.ok("ufw", ["--force", "enable"]);
	await scene.flows();
	await scene.down();
	expect(await host.ok("ufw", ["status"])).toContain("active");
});

test.concurrent("firewalld started, and reloaded; and it decides about published ports", async () => {
	await using scene = await Scene.boot();
	const { host } = scene;
	await scene.up(ADAPT);
	await startFirewalld(host);
	await scene.flows();
	await host.ok("firewall-cmd", ["--reload"]);
	await scene.flows();
	expect(await scene.ours("nft", "list", "chain", "inet", "firewalld", "filter_FORWARD")).toHaveLength(1);
	await scene.settings(RESPECT);
	await scene.isCut();
	await host.ok("firewall-cmd", ["--add-port", "8080/tcp"]);
	await scene.flows();
	// As it is asked, so it was left: with the links and tables for that.
	await scene.down();
	expect(await host.ok("firewall-cmd", ["--state"])).toContain("running");
});
