/** Connecting and disconnecting, one after another, with nothing there and with nine hundred; and two hundred at once. */
import type { Report } from "../support/figures.ts";
import { inLanes, Times, times } from "../support/figures.ts";
import { Instance } from "./instance.ts";
import { tcp } from "./requests.ts";
import { floorOn } from "./floor.ts";

const NETWORKS = 9;
const EXISTING = 900;
const MEASURED = 60;
const WARM_UP = 40;
const AT_ONCE = 200;
const LANES = 4;

let port = 20_000;
const aPort = () => [tcp(port++)];

/** Nine networks, the last one dual stack. */
export async function connects(report: Report): Promise<void> {
	await using wharf = await Instance.start();
	const names = Array.from({ length: NETWORKS }, (_, index) => `net${index}`);
	for (const name of names) await wharf.network(name, { ipv6: name === "net8" });
	await measure(wharf, WARM_UP, "net0", "net8");
	const fresh = await measure(wharf, MEASURED, "net0", "net8");
	const made = 3 * (WARM_UP + MEASURED);
	await inLanes(EXISTING - made, LANES, async (index) => {
		await wharf.connect(names[index % (NETWORKS - 1)] ?? "", (await wharf.sandbox()).id, aPort());
	});
	const residentMb = wharf.residentMb();
	const full = await measure(wharf, MEASURED, "net0", "net8");
	const aim = "4 ms, p99 15 ms";
	report({
		figure: "connect: IPv4, one port, DNS",
		ours: `${fresh.plain}`,
		aim,
		beside: `one idle call ${fresh.call}; as a gRPC call of its own ${fresh.own}`,
	});
	report({ figure: "the same, 900 endpoints over nine networks", ours: `${full.plain}`, aim, beside: "" });
	report({ figure: "connect: dual stack, one port, DNS", ours: `${fresh.dual}`, aim, beside: "" });
	report({ figure: "the same, 900 endpoints over nine networks", ours: `${full.dual}`, aim, beside: "" });
	report({ figure: "disconnect", ours: `${fresh.disconnect}`, aim: "3 ms", beside: "" });
	report({ figure: "the same, 900 endpoints", ours: `${full.disconnect}`, aim: "3 ms", beside: "" });
	report({ figure: "resident memory, 900 endpoints", ours: `${residentMb.toFixed(0)} MB`, aim: "130 MB", beside: "" });
}

async function measure(wharf: Instance, count: number, plain: string, dual: string) {
	const found = { plain: new Times(), own: new Times(), dual: new Times(), disconnect: new Times(), call: new Times() };
	const seconds: string[] = [];
	await times(count, async () => {
		const [one, other] = [await wharf.sandbox(), await wharf.sandbox()];
		await found.plain.of(() => wharf.connect(plain, one.id, aPort()));
		const { id: third } = await wharf.sandbox();
		await found.own.of(() => wharf.connect(plain, third, aPort(), wharf.calls));
		await found.dual.of(() => wharf.connect(dual, other.id, aPort()));
		await found.call.of(() => wharf.sandboxes.getSandbox({ id: one.id }));
		seconds.push(one.id);
	});
	// Apart from the above: the kernel holds its one lock of all links while it ends one, some 15 ms.
	for (const id of seconds) {
		const { id: endpoint } = await wharf.connect("bridge", id);
		await found.disconnect.of(() => wharf.disconnect(endpoint));
	}
	return found;
}

/** Nine hundred on one bridge, beside the same links made there by a bare loop. */
export async function oneBridge(report: Report): Promise<void> {
	await using wharf = await Instance.start();
	const subnet = { cidr: "10.200.0.0/16", ipRange: "10.200.0.0/17", gateway: "", auxiliaryAddresses: {} };
	await wharf.network("wide", { subnets: [subnet] });
	await inLanes(EXISTING, LANES, async () => {
		await wharf.connect("wide", (await wharf.sandbox()).id, aPort());
	});
	const { network } = await wharf.networks.getNetwork({ network: "wide" });
	using floor = floorOn(network?.interface ?? "", "10.200.128.1");
	const [connect, bare] = [new Times(), new Times()];
	await times(MEASURED, async () => {
		const { id } = await wharf.sandbox();
		await connect.of(() => wharf.connect("wide", id, aPort()));
		const netns = floor.netns();
		await bare.of(() => floor.attach(netns));
	});
	const ratio = `kernel floor ${bare}: ${(connect.median / bare.median).toFixed(1)}x`;
	report({ figure: "connect, all 900 on one bridge", ours: `${connect}`, aim: "1.5x of the floor", beside: ratio });
}

export async function atOnce(report: Report): Promise<void> {
	await using wharf = await Instance.start();
	await wharf.network("crowd");
	await times(WARM_UP, async () => {
		await wharf.connect("crowd", (await wharf.sandbox()).id);
	});
	await wharf.probe();
	const all = new Times();
	await all.of(() =>
		inLanes(AT_ONCE, AT_ONCE, async () => {
			await wharf.connect("crowd", (await wharf.sandbox()).id);
		}),
	);
	const { delayP99Ms, delayMaxMs } = await wharf.probe();
	const rate = `${((1_000 * AT_ONCE) / all.median).toFixed(0)}/s`;
	report({ figure: "200 sandboxes and endpoints at once", ours: rate, aim: "250/s", beside: "" });
	const delay = `p99 ${delayP99Ms.toFixed(1)} ms, longest ${delayMaxMs.toFixed(1)} ms`;
	report({ figure: "netd's loop late meanwhile", ours: delay, aim: "p99 5 ms", beside: "" });
}
