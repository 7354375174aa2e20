/**
 * Connects a sandbox to a network and disconnects it, again and again over gRPC, and asks the resolver after each: once.
 *
 * Run inside the asking sandbox's network namespace, with one argument, a JSON object of `socket` (netd's), `network`, `sandboxId`,
 * `name` and `rounds`. Prints a JSON array: a line for each answer that was not true, or not there within five seconds.
 */
import { randomUUID } from "node:crypto";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { ConnectRequest, EndpointServiceService } from "#gen/wharf/network/v1/endpoint.ts";
import { client } from "#lib/rpc/client.ts";
import { queryOf } from "../../services/dnsd/test-support/ask.ts";
import { decode } from "../../services/dnsd/test-support/decode.ts";

interface Task {
	readonly socket: string;
	readonly network: string;
	readonly sandboxId: string;
	readonly name: string;
	readonly rounds: number;
}

// The one who starts this wrote it.
const task = JSON.parse(process.argv[2] ?? "") as Task;
const endpoints = client(EndpointServiceService, { unix: task.socket });
const udp = createSocket("udp4");
udp.connect(53, "127.0.0.11");
await once(udp, "connect");

let id = 0;
const untrue: string[] = [];

/** The addresses of a name; `nothing` without an answer. */
async function ask(name: string): Promise<string> {
	id = (id + 1) & 0xffff;
	udp.send(queryOf({ id, name }));
	for (;;) {
		const answer: unknown[] = await once(udp, "message", { signal: AbortSignal.timeout(5_000) }).catch(() => []);
		if (!Buffer.isBuffer(answer[0])) return "nothing";
		const said = decode(answer[0]);
		// What was too late for its question is not for the next one.
		if (said.id === id) return said.answers.map(({ data }) => data).join(" ");
	}
}

async function expectAnswer(round: number, name: string, expected: string): Promise<void> {
	const said = await ask(name);
	if (said !== expected) untrue.push(`round ${round}: ${name} was "${said}", not "${expected}"`);
}

for (let round = 0; round < task.rounds; round++) {
	const { network, sandboxId } = task;
	const wish = ConnectRequest.fromPartial({ requestId: randomUUID(), network, sandboxId });
	const { endpoint, namesLag } = await endpoints.connect(wish);
	if (namesLag) untrue.push(`round ${round}: names lag behind the connection`);
	await expectAnswer(round, task.name, endpoint?.addresses[0]?.split("/")[0] ?? "an address");
	const left = await endpoints.disconnect({ requestId: randomUUID(), endpointId: endpoint?.id ?? "" });
	if (left.namesLag) untrue.push(`round ${round}: names lag behind the disconnection`);
	await expectAnswer(round, round % 2 === 0 ? task.name : `${task.name}.${network}`, "");
}
console.log(JSON.stringify(untrue));
endpoints.close();
udp.close();
