import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ContainerSpec } from "#gen/wharf/container/v1/container.ts";
import { Endpoint } from "#gen/wharf/network/v1/endpoint.ts";
import { Sandbox } from "#gen/wharf/network/v1/sandbox.ts";
import { Locks } from "#lib/concurrency/locks.ts";
import { createLog } from "#lib/log/log.ts";
import { rpcFaults } from "#lib/rpc/faults.ts";
import { GeneratedFiles } from "../files/generated-files.ts";
import type { Parts } from "../parts.ts";
import { processStart } from "../runtime/process-start.ts";
import { CatchUp } from "./catch-up.ts";
import type { ContainerRecord } from "./container.ts";

const spec = ContainerSpec.fromPartial({ hostname: "web", networks: [{ network: "bridge" }] });
const ended = { pid: 0, pidStart: "" };
const alive = { pid: process.pid, pidStart: processStart(process.pid) ?? "" };
const leg = (address: string) => Endpoint.fromPartial({ networkName: "bridge", addresses: [address] });

let dir = "";
let isAway = false;
let asked: string[] = [];
beforeEach(() => {
	dir = mkdtempSync(join(tmpdir(), "wharf-catch-up-"));
	isAway = false;
	asked = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

/** Whose files say 172.17.0.2, while netd says 172.17.0.9. */
async function before(...all: readonly Partial<ContainerRecord>[]): Promise<CatchUp> {
	const records = all.map(
		(change): ContainerRecord =>
			({
				state: "RUNNING",
				name: change.id,
				spec,
				networkIds: [],
				sandboxId: `of-${change.id}`,
				...alive,
				...change,
			}) as ContainerRecord, // nothing else is asked for
	);
	for (const record of records) {
		mkdirSync(join(dir, record.id));
		const surroundings = {
			record,
			endpoints: [leg("172.17.0.2/16")],
			resolver: "",
			dnsServers: [],
			hostGateways: [],
			linked: [],
		};
		await new GeneratedFiles(join(dir, record.id)).write(surroundings);
	}
	const answer = async <T>(sandboxId: string, value: T): Promise<T> => {
		asked.push(sandboxId);
		if (isAway) throw rpcFaults.SERVICE_UNAVAILABLE({ service: "netd", address: "netd.sock" });
		return value;
	};
	return new CatchUp({
		table: { everything: () => records, find: (id: string) => records.find((one) => one.id === id) },
		locks: new Locks(),
		roots: { dir: (id: string) => join(dir, id) },
		netd: {
			sandbox: (id: string) => answer(id, Sandbox.fromPartial({ id })),
			endpoints: (id: string) => answer(id, [leg("172.17.0.9/16")]),
		},
		log: createLog({ service: "gateway", level: "silent" }),
	} as unknown as Parts); // what is asked of them
}

const hosts = (id: string): string => readFileSync(join(dir, id, "hosts"), "utf8");

test("files of a container that runs say what its networks are now; what somebody has written stays", async () => {
	const catchUp = await before({ id: "plain" }, { id: "edited" });
	appendFileSync(join(dir, "edited", "hosts"), "192.0.2.1 mine\n");
	expect(await catchUp.pass()).toBe(0);
	expect(hosts("plain")).toContain("172.17.0.9\tweb\n");
	expect(hosts("plain")).not.toContain("172.17.0.2");
	expect(hosts("edited")).toMatch(/172\.17\.0\.2\tweb\n192\.0\.2\.1 mine\n$/);
});

test("once each, and again only while netd is away", async () => {
	const catchUp = await before({ id: "one" }, { id: "two" });
	isAway = true;
	expect(await catchUp.pass()).toBe(2);
	expect(hosts("one")).toContain("172.17.0.2");
	isAway = false;
	expect(await catchUp.pass()).toBe(0);
	expect([hosts("one"), hosts("two")]).toEqual(Array(2).fill(expect.stringContaining("172.17.0.9")));
	asked = [];
	expect(await catchUp.pass()).toBe(0);
	expect(asked).toEqual([]);
});

test("those without files of their own, without a sandbox or without a process are left alone", async () => {
	const shared = ContainerSpec.fromPartial({ networks: [{ network: "container:one" }] });
	const catchUp = await before(
		{ id: "guest", spec: shared },
		{ id: "on-host", sandboxId: "" },
		{ id: "ended", ...ended },
		{ id: "exited", state: "EXITED" },
	);
	expect(await catchUp.pass()).toBe(0);
	expect(asked).toEqual([]);
});
