/**
 * Local names, answered by dnsd at 127.0.0.11:53 in a sandbox, and by dnsmasq with the same names: dnsperf -c 4 -q 100.
 *
 * dnsd is reached through the stateless rewrite that netd writes, dnsmasq at its own port without any. Runs alternate.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Ip } from "#lib/address/ip.ts";
import { type Child, run, start } from "#lib/exec/run.ts";
import { createNetns, removeNetns } from "#lib/linux/netns.ts";
import { createLog } from "#lib/log/log.ts";
import { Resolver } from "../services/dnsd/resolver.ts";
import { Forwarder } from "../services/dnsd/upstream/forwarder.ts";
import type { Sandbox } from "../services/dnsd/zone.ts";
import { median } from "./support/figures.ts";

const NAMES = 1_000;
const ROUNDS = 3;
const SECONDS = 4;
const ADDRESS = "127.0.0.11";
const PORT = 5353;

const folder = mkdtempSync(join(tmpdir(), "wharf-bench-dns-"));
const [ours, theirs] = [join(folder, "dnsd"), join(folder, "dnsmasq")];
const base = Ip.parse("172.18.0.2").value;
const names = Array.from({ length: NAMES }, (_, i) => ({ name: `container-${i}`, ip: Ip.of(4, base + BigInt(i)) }));

function sandboxOf({ name, ip }: { name: string; ip: Ip }, index: number): Sandbox {
	return {
		id: name,
		netnsPath: ours,
		name,
		owner: index.toString(16).padStart(12, "0").padEnd(64, "0"),
		hostname: "",
		resolverPort: index === 0 ? PORT : 0,
		dnsServers: [],
		forwards: false,
		legs: [{ endpointId: name, networkId: "n", networkName: "bench", addresses: [ip], aliases: [] }],
	};
}

const inside = (netns: string, ...command: readonly string[]) => ["nsenter", [`--net=${netns}`, ...command]] as const;

async function queriesPerSecond(netns: string): Promise<number> {
	const load = ["-s", ADDRESS, "-p", "53", "-c", "4", "-q", "100", "-l", String(SECONDS), "-d", join(folder, "names")];
	const { stdout } = await run(...inside(netns, "dnsperf", ...load));
	const lost = Number(/Queries lost:\s+(\d+)/.exec(stdout)?.[1] ?? Number.NaN);
	if (lost > 0) console.log(`  ${lost} queries were lost`);
	return Number(/Queries per second:\s+([\d.]+)/.exec(stdout)?.[1] ?? Number.NaN);
}

let dnsmasq: Child | undefined;
try {
	writeFileSync(join(folder, "hosts"), names.map(({ name, ip }) => `${ip} ${name}\n`).join(""));
	writeFileSync(join(folder, "names"), names.map(({ name }) => `${name} A\n`).join(""));
	for (const netns of [ours, theirs]) {
		createNetns(netns);
		await run(...inside(netns, "ip", "link", "set", "lo", "up"));
	}
	const rules = ["udp", "tcp"].flatMap((protocol) => [
		`ip daddr ${ADDRESS} ${protocol} dport 53 notrack ${protocol} dport set ${PORT}`,
		`ip saddr ${ADDRESS} ${protocol} sport ${PORT} notrack ${protocol} sport set 53`,
	]);
	const chain = `chain resolver { type filter hook output priority raw; ${rules.join("; ")}; }`;
	await run(...inside(ours, "nft", `table inet wharf { ${chain}; }`));

	const hosts = `--addn-hosts=${join(folder, "hosts")}`;
	const quiet = ["--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--pid-file="];
	dnsmasq = start(
		...inside(theirs, "dnsmasq", "-k", ...quiet, hosts, `--listen-address=${ADDRESS}`, "--bind-interfaces"),
	);

	const pace = { hedgeMs: 300, againMs: 1_000, overallMs: 4_500 };
	await using resolver = new Resolver({
		ttlSeconds: 5,
		tcp: { connections: 64, idleMs: 10_000 },
		forwarder: new Forwarder({ pace, inFlight: 1, inFlightPerSandbox: 1, cacheBytes: 0 }),
		hostServers: () => [],
		log: createLog({ service: "bench", level: "silent" }),
	});
	const before = performance.now();
	await resolver.replaceAll(names.map(sandboxOf));
	console.log(`a zone of ${NAMES} containers: ${(performance.now() - before).toFixed(1)} ms`);
	await sleep(500);

	const rounds: { dnsd: number; dnsmasq: number }[] = [];
	for (let round = 0; round < ROUNDS; round++) {
		rounds.push({ dnsd: await queriesPerSecond(ours), dnsmasq: await queriesPerSecond(theirs) });
	}
	const [dnsd, peer] = [median(rounds.map(({ dnsd }) => dnsd)), median(rounds.map(({ dnsmasq }) => dnsmasq))];
	console.log(`dnsd:    ${Math.round(dnsd)} q/s`);
	console.log(`dnsmasq: ${Math.round(peer)} q/s`);
	console.log(`ratio:   ${(dnsd / peer).toFixed(2)} (medians of ${ROUNDS}, ${SECONDS} s each)`);
} finally {
	dnsmasq?.kill("SIGKILL");
	await dnsmasq?.done;
	for (const netns of [ours, theirs]) removeNetns(netns);
	rmSync(folder, { recursive: true });
}
