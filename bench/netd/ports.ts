/** Publishing ports of endpoints that run: a thousand at once, and one beside many that exist. */
import { run } from "#lib/exec/run.ts";
import type { Port } from "#gen/wharf/network/v1/endpoint.ts";
import { type Report, Times, times } from "../support/figures.ts";
import { Instance } from "./instance.ts";
import { tcp } from "./requests.ts";

const MANY = 1_000;
const HOLDERS = 15;
const FIRST_PORT = 10_000;
const FOREIGN_CHAINS = 5_000;
const MEASURED = 60;

export async function ports(report: Report): Promise<void> {
	await using wharf = await Instance.start();
	await wharf.network("front");
	const endpoint = async (): Promise<string> => (await wharf.connect("front", (await wharf.sandbox()).id)).id;
	const one = await endpoint();
	const holders: string[] = [];
	for (let count = 0; count < HOLDERS; count += 1) holders.push(await endpoint());

	await onePort(wharf, one);
	const first = await onePort(wharf, one);
	report({ figure: "publish one port", ours: `${first}`, aim: "", beside: "" });
	const before = wharf.residentMb();
	const thousand = new Times();
	for (const [index, holder] of holders.entries()) {
		const all = Array.from({ length: MANY }, (_, port) => tcp(FIRST_PORT + index * MANY + port));
		await thousand.of(() => publish(wharf, holder, all));
		if (index === 0) {
			const growth = wharf.residentMb() - before;
			report({ figure: "memory for 1,000 ports", ours: `${growth.toFixed(1)} MB`, aim: "5 MB", beside: "" });
		}
	}
	report({ figure: "publish 1,000 ports of one endpoint", ours: `${thousand}`, aim: "60 ms", beside: "" });
	const ratio = (found: Times): string => `${(found.median / first.median).toFixed(2)}x of the first`;
	const full = await onePort(wharf, one);
	report({ figure: "publish one port, 15,000 exist", ours: `${full}`, aim: "1.5x", beside: ratio(full) });
	await foreignChains();
	const beside = await onePort(wharf, one);
	const figure = "the same, and other tables hold 5,000 chains";
	report({ figure, ours: `${beside}`, aim: "1.5x", beside: ratio(beside) });
}

let made = 0;

async function publish(wharf: Instance, endpointId: string, list: readonly Port[]): Promise<void> {
	await wharf.calls.publishPorts({ requestId: `publish-${++made}`, endpointId, ports: [...list] });
}

async function onePort(wharf: Instance, endpointId: string): Promise<Times> {
	const found = new Times();
	await times(MEASURED, async (index) => {
		const list = [tcp(5_000 + index)];
		await found.of(() => publish(wharf, endpointId, list));
		await wharf.calls.unpublishPorts({ requestId: `unpublish-${++made}`, endpointId, ports: list });
	});
	return found;
}

async function foreignChains(): Promise<void> {
	const chains = Array.from({ length: FOREIGN_CHAINS }, (_, index) => `chain c${index} { accept; }`);
	await run("nft", ["-f", "-"], { input: `table ip foreign {\n${chains.join("\n")}\n}\n` });
}
