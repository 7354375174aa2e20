/** A stream through a published port goes on while netd ends and begins again, in whatever way; and its callers wait for it. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ConnectRequest } from "#gen/wharf/network/v1/endpoint.ts";
import { CreateNetworkRequest } from "#gen/wharf/network/v1/network.ts";
import { CreateSandboxRequest } from "#gen/wharf/network/v1/sandbox.ts";
import type { Child } from "#lib/exec/run.ts";
import { NetdHost } from "../soak/netd/instance.ts";
import { eventually } from "../support/eventually.ts";
import { HOST_ADDRESS } from "../support/host.ts";

const PORT = 8080;

/** Sends as much as is taken, to whoever connects. */
const SOURCE = `
	const bytes = Buffer.alloc(64 * 1024);
	require("node:net").createServer((socket) => {
		const pour = () => { while (socket.write(bytes)); };
		socket.on("drain", pour).on("error", () => undefined);
		pour();
	}).listen(80, "0.0.0.0");
`;

/** Takes some, and keeps in a file how much it was; ends with 42 when the stream does. */
const SINK = `
	const [, address, port, file] = process.argv;
	let count = 0;
	const socket = require("node:net").connect(Number(port), address);
	socket.on("data", (data) => {
		count += data.length;
		socket.pause();
		setTimeout(() => socket.resume(), 1);
	});
	for (const end of ["error", "close", "end"]) socket.on(end, () => process.exit(42));
	setInterval(() => require("node:fs").writeFileSync(file, String(count)), 20);
`;

let it: NetdHost;
let sink: Child;
let counter: string;

const sandbox = async (owner: string) => {
	const request = CreateSandboxRequest.fromPartial({ requestId: randomUUID(), holder: "test", owner, name: owner });
	return (await it.sandboxes.createSandbox(request)).sandbox;
};

beforeAll(async () => {
	it = await NetdHost.boot();
	const { host } = it;
	await it.networks.createNetwork(CreateNetworkRequest.fromPartial({ requestId: randomUUID(), name: "front" }));
	const made = await sandbox("web");
	const ports = [{ protocol: "PROTOCOL_TCP", hostAddress: "", hostPort: PORT, containerPort: 80 }] as const;
	await it.endpoints.connect(
		ConnectRequest.fromPartial({
			requestId: randomUUID(),
			network: "front",
			sandboxId: made?.id ?? "",
			ports: [...ports],
		}),
	);
	host.start("nsenter", [`--net=${made?.netnsPath}`, "--", process.execPath, "-e", SOURCE]);
	counter = join(host.root, "counter");
	await eventually(() => host.ok("bash", ["-c", `</dev/tcp/${HOST_ADDRESS}/${PORT}`], { netns: "outside" }));
	sink = host.start(process.execPath, ["-e", SINK, HOST_ADDRESS, String(PORT), counter], { netns: "outside" });
	await flows();
});
afterAll(() => it?.[Symbol.asyncDispose]());

const taken = async (): Promise<number> => Number(await readFile(counter, "utf8").catch(() => "0"));

/** More of the same stream arrives from now on. */
async function flows(): Promise<void> {
	const before = await taken();
	await eventually(async () => expect(await taken()).toBeGreaterThan(before + 256 * 1024));
}

test.each(["SIGKILL", "SIGTERM"] as const)("netd ends by %s and begins again", async (signal) => {
	const { host } = it;
	const rules = await host.ok("nft", ["list", "ruleset"]);
	await it.kill(signal);
	await flows();
	await it.start("netd");
	await flows();
	expect(await host.ok("nft", ["list", "ruleset"])).toBe(rules);
	await flows();
	let over = false;
	void sink.done.then(() => (over = true));
	await flows();
	expect(over).toBe(false);
});

test("what is asked for while netd is away is done once it is back", async () => {
	await it.kill();
	const asked = [sandbox("one"), sandbox("two")];
	await it.start("netd");
	const made = await Promise.all(asked);
	expect(made.map((one) => one?.state)).toEqual(["STATE_ACTIVE", "STATE_ACTIVE"]);
	await flows();
});
