/** NATS is dead for minutes while containers come and go; afterwards every event is there once. */
import { audit } from "../support/audit/audit.ts";
import { eventsSoFar, namesOf } from "../support/events.ts";
import { eventually } from "../support/eventually.ts";
import { Host } from "../support/host.ts";
import { NatsServer } from "../support/nats-server.ts";

export async function natsOutage(durationMs: number, report: (problem: string) => void): Promise<void> {
	await using host = await Host.boot();
	const nats = await NatsServer.start(host, 4333);
	await host.wharfOk("up");
	await nats.kill();
	const end = performance.now() + durationMs;
	let runs = 0;
	while (performance.now() < end) {
		const { exitCode, stderr } = await host.wharf(["run", "--rm", "--name", `c${runs}`, "host", "true"]);
		if (exitCode !== 0) report(`run ${runs} without NATS: ${stderr}`);
		runs++;
	}
	await nats.restart();
	await host.wharfOk("network", "create", "last");
	await eventually(async () => {
		const events = await eventsSoFar(host);
		const exited = new Set(namesOf(events, "container", "exited"));
		if (exited.size < runs) throw new Error(`${exited.size} of ${runs} exits`);
		if (new Set(events.map((event) => event.id)).size !== events.length) report("an event came twice");
	}, 60_000).catch((error: Error) => report(`NATS outage: ${error.message}`));
	for (const stray of await audit(host)) report(`NATS outage: ${stray}`);
	console.log(`  ${runs} runs without NATS`);
	await host.wharfOk("down", "--all", "--volumes");
	await nats.kill();
}
