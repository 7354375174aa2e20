/** What users would run instead, for the same work in the same namespace: netavark, a chain of CNI plugins, Docker Engine. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run } from "#lib/exec/run.ts";
import { createNetns, removeNetns } from "#lib/linux/netns.ts";
import { Docker } from "./docker.ts";
import { type Report, Times, times } from "../support/figures.ts";

const NETAVARK = "/usr/lib/podman/netavark";
const AARDVARK = "/usr/lib/podman/aardvark-dns";
const CNI = "/usr/lib/cni";
const MEASURED = 15;
const RANGE = 100;

interface Attached {
	readonly attach: Times;
	readonly detach: Times;
}

/** A row of what is beside netd's. */
type Tell = (beside: string) => void;

export async function peers(report: Report): Promise<void> {
	const tell: Tell = (beside) => report({ figure: "", ours: "", aim: "", beside });
	const missing = (): void => tell("not installed (bench/setup-peers)");
	const rows = (name: string, { attach, detach }: Attached): void => {
		tell(`connect by ${name}: ${attach}`);
		tell(`disconnect by ${name}: ${detach}`);
	};
	if (existsSync(NETAVARK)) rows("netavark 1.4, one port, DNS", await inNamespaces(netavark));
	else missing();
	if (existsSync(join(CNI, "bridge"))) rows("CNI bridge, host-local, portmap, one port", await inNamespaces(cni));
	else missing();
	const { exitCode } = await run("sh", ["-c", "command -v dockerd"], { acceptExit: [0, 1, 127] });
	if (exitCode === 0) await docker(tell, rows);
	else missing();
}

/** One that is given a namespace, a number and a folder of its own, and joins the namespace to its network or takes it off. */
type Joiner = (step: "join" | "leave", netns: string, number: number, folder: string) => Promise<void>;

async function inNamespaces(joiner: Joiner): Promise<Attached> {
	const folder = mkdtempSync(join(tmpdir(), "wharf-peer-"));
	const found = { attach: new Times(), detach: new Times() };
	const made: string[] = [];
	try {
		await times(MEASURED, async (number) => {
			const netns = join(folder, `c${number}`);
			createNetns(netns);
			made.push(netns);
			await found.attach.of(() => joiner("join", netns, number, folder));
		});
		for (const [number, netns] of made.entries()) await found.detach.of(() => joiner("leave", netns, number, folder));
	} finally {
		for (const netns of made) removeNetns(netns);
		rmSync(folder, { recursive: true });
	}
	return found;
}

const netavark: Joiner = async (step, netns, number, folder) => {
	const id = String(number).padStart(64, "0");
	const input = JSON.stringify({
		container_id: id,
		container_name: `c${number}`,
		port_mappings: [{ host_ip: "", host_port: 31_000 + number, container_port: 80, protocol: "tcp", range: 1 }],
		networks: { peer: { interface_name: "eth0", static_ips: [`10.89.7.${number + 2}`], aliases: [] } },
		network_info: {
			peer: {
				name: "peer",
				id: "f".repeat(64),
				driver: "bridge",
				network_interface: "peer0",
				subnets: [{ subnet: "10.89.7.0/24", gateway: "10.89.7.1" }],
				ipv6_enabled: false,
				internal: false,
				dns_enabled: true,
				ipam_options: { driver: "host-local" },
			},
		},
	});
	const flags = ["--config", folder, "--aardvark-binary", AARDVARK];
	await run(NETAVARK, [...flags, step === "join" ? "setup" : "teardown", netns], { input });
};

const cni: Joiner = async (step, netns, number, folder) => {
	const env = {
		CNI_COMMAND: step === "join" ? "ADD" : "DEL",
		CNI_CONTAINERID: `c${number}`,
		CNI_NETNS: netns,
		CNI_IFNAME: "eth0",
		CNI_PATH: CNI,
	};
	const chain = [
		{
			type: "bridge",
			bridge: "cni0",
			isGateway: true,
			ipMasq: true,
			ipam: { type: "host-local", subnet: "10.90.7.0/24", dataDir: folder, routes: [{ dst: "0.0.0.0/0" }] },
		},
		{
			type: "portmap",
			runtimeConfig: { portMappings: [{ hostPort: 32_000 + number, containerPort: 80, protocol: "tcp" }] },
		},
	];
	let prevResult: unknown;
	for (const plugin of step === "join" ? chain : chain.toReversed()) {
		const input = JSON.stringify({
			cniVersion: "1.0.0",
			name: "peer",
			...plugin,
			...(prevResult ? { prevResult } : {}),
		});
		const { stdout } = await run(join(CNI, plugin.type), [], { env, input });
		if (step === "join") prevResult = JSON.parse(stdout);
	}
};

async function docker(tell: Tell, rows: (name: string, found: Attached) => void): Promise<void> {
	await using engine = await Docker.start();
	await engine.ask("POST", "/networks/create", { Name: "peer", Driver: "bridge" });
	const found = { attach: new Times(), detach: new Times() };
	const ids: string[] = [];
	await times(MEASURED, async () => {
		const id = await engine.container();
		ids.push(id);
		await found.attach.of(() => engine.ask("POST", "/networks/peer/connect", { Container: id }));
	});
	for (const id of ids) await found.detach.of(() => engine.ask("POST", "/networks/peer/disconnect", { Container: id }));
	rows("Docker Engine (over its socket), no port, DNS", found);
	const [plain, range] = [new Times(), new Times()];
	await plain.of(() => engine.container());
	await range.of(() => engine.container(Array.from({ length: RANGE }, (_, index) => 33_000 + index)));
	const more = `${(range.median - plain.median).toFixed(0)} ms`;
	tell(`Docker starts a container with 100 ports: ${more} more than without`);
	tell(`dockerd resident with ${ids.length + 2} containers: ${engine.residentMb().toFixed(0)} MB`);
}
