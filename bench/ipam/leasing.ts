/** Leases through gRPC, each durable when it is answered; and CNI's host-local, a process and a file for each. */
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AllocateAddressRequest, AllocateSubnetRequest, IpamServiceService } from "#gen/wharf/ipam/v1/ipam.ts";
import { run } from "#lib/exec/run.ts";
import { client } from "#lib/rpc/client.ts";
import { Daemon, type Ipamd } from "../../services/ipamd/test-support/daemon.ts";
import { inLanes, median, type Report, Times, times } from "../support/figures.ts";
import { nodeOptions } from "../../gateway/supervisor/node-options.ts";

const ROUNDS = 5;
const WARM_UP = 300;
const ALONE = 300;
const IN_FLIGHT = 64;
const TOGETHER = 6_000;

const HOST_LOCAL = "/usr/lib/cni/host-local";
const PROCESSES = 30;
/** Of a /20 with 4,093 addresses, all but a few: host-local looks at them one by one. */
const NEARLY_ALL = 4_080;

export async function leasing(report: Report): Promise<void> {
	const node = nodeOptions("ipamd");
	await using daemon = new Daemon({ WHARF_LOG_LEVEL: "warn", ...node.env }, node.args);
	await daemon.start();
	const at = { unix: daemon.paths.socket("ipamd") };
	for (const pipeline of [true, false]) {
		using ipamd = client(IpamServiceService, at, { pipeline });
		const how = pipeline ? "over a pipeline, as netd's" : "by a gRPC call each";
		const found = await measured(ipamd, pipeline ? 10 : 11);
		const beside = `a read between the same two processes ${found.read.median.toFixed(2)} ms`;
		report({ figure: `AllocateAddress, alone, ${how}`, ours: `${found.alone}`, aim: "0.6 ms", beside });
		const ours = `${Math.round(median(found.perSecond)).toLocaleString("en")}/s`;
		report({ figure: `AllocateAddress, ${IN_FLIGHT} in flight, ${how}`, ours, aim: "4,000/s", beside: "" });
	}
	if (!existsSync(HOST_LOCAL)) {
		report({ figure: "", ours: "", aim: "", beside: "host-local is not installed (bench/setup-peers)" });
		return;
	}
	const { empty, full } = await hostLocal();
	report({ figure: "", ours: "", aim: "", beside: `host-local, alone, an empty /20: ${empty}` });
	report({ figure: "", ours: "", aim: "", beside: `host-local, alone, a nearly full /20: ${full}` });
}

interface Measured {
	readonly alone: Times;
	readonly read: Times;
	readonly perSecond: readonly number[];
}

async function measured(ipamd: Ipamd, block: number): Promise<Measured> {
	let made = 0;
	const id = () => `${block}-${++made}`;
	const subnetIn = async (round: number): Promise<string> => {
		const cidr = `${block}.${round}.0.0/16`;
		const request = { requestId: id(), holder: "bench", owner: id(), cidr };
		return (await ipamd.allocateSubnet(AllocateSubnetRequest.fromPartial(request))).subnet?.id ?? "";
	};
	const lease = async (subnetId: string): Promise<void> => {
		const owner = id();
		const request = { requestId: owner, subnetId, holder: "bench", owner };
		await ipamd.allocateAddress(AllocateAddressRequest.fromPartial(request));
	};
	const warm = await subnetIn(0);
	await times(WARM_UP, () => lease(warm));
	const found = { alone: new Times(), read: new Times(), perSecond: [] as number[] };
	for (let round = 1; round <= ROUNDS; round++) {
		const subnetId = await subnetIn(round);
		await times(ALONE, () => found.alone.of(() => lease(subnetId)));
		await times(ALONE, async () => void (await found.read.of(() => ipamd.getSubnet({ id: subnetId }))));
		const start = performance.now();
		await inLanes(TOGETHER, IN_FLIGHT, () => lease(subnetId));
		found.perSecond.push((1_000 * TOGETHER) / (performance.now() - start));
	}
	return found;
}

async function hostLocal(): Promise<{ readonly empty: Times; readonly full: Times }> {
	const folder = mkdtempSync(join(tmpdir(), "wharf-host-local-"));
	try {
		const found = { empty: new Times(), full: new Times() };
		await times(PROCESSES, (index) => found.empty.of(() => add(folder, "empty", `c${index}`)));
		await add(folder, "full", "first");
		// As it writes them: the name is the address, and inside is who has it.
		for (let index = 3; index < NEARLY_ALL; index++)
			writeFileSync(join(folder, "full", `10.9.${index >> 8}.${index & 255}`), `x${index}\r\neth0`);
		await times(10, (index) => found.full.of(() => add(folder, "full", `c${index}`)));
		return found;
	} finally {
		rmSync(folder, { recursive: true });
	}
}

async function add(dataDir: string, name: string, container: string): Promise<void> {
	const ranges = [[{ subnet: "10.9.0.0/20", gateway: "10.9.0.1" }]];
	const input = JSON.stringify({
		cniVersion: "1.0.0",
		name,
		type: "bridge",
		ipam: { type: "host-local", dataDir, ranges },
	});
	const env = {
		CNI_COMMAND: "ADD",
		CNI_CONTAINERID: container,
		CNI_NETNS: "/proc/self/ns/net",
		CNI_IFNAME: "eth0",
		CNI_PATH: "/usr/lib/cni",
	};
	await run(HOST_LOCAL, [], { env, input });
}
