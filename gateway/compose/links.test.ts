import { describe, expect, test } from "vitest";
import { ContainerSpec } from "#gen/wharf/container/v1/container.ts";
import { Endpoint } from "#gen/wharf/network/v1/endpoint.ts";
import { Network } from "#gen/wharf/network/v1/network.ts";
import { isFault } from "#lib/fault/fault.ts";
import { gatewayFaults } from "../faults.ts";
import type { Parts } from "../parts.ts";
import type { ContainerRecord } from "./container.ts";
import type { ContainerTable } from "./container-table.ts";
import { linkEnvironment, linkedEntries, namedLinks, resolveLinks } from "./links.ts";

const DB = { id: "d".repeat(64), name: "db", networkIds: ["id-bridge"] } as unknown as ContainerRecord; // all that is asked of it
const table = {
	get: (reference: string): ContainerRecord => {
		if (reference === "db" || DB.id.startsWith(reference)) return DB;
		throw gatewayFaults.CONTAINER_NOT_FOUND({ container: reference });
	},
} as ContainerTable; // a look-up is all that is asked of it
const bridge = Network.fromPartial({ id: "id-bridge", name: "bridge" });
const front = Network.fromPartial({ id: "id-front", name: "front", resolvesNames: true });

function resolve(network: Network, ...links: readonly (readonly [container: string, alias: string])[]) {
	const attachment = { network: "n", addresses: [], aliases: [], gatewayPriority: 0, links: [] };
	const asked = links.map(([container, alias]) => ({ container, alias }));
	return resolveLinks({ table }, { ...attachment, links: asked }, network);
}

function refused(network: Network, ...links: readonly (readonly [string, string])[]): string {
	try {
		resolve(network, ...links);
	} catch (error) {
		if (isFault(error)) return error.reason;
		throw error;
	}
	return "accepted";
}

test("a link has the other's name and an alias, however the other was named", () => {
	const { attachment, warnings } = resolve(front, ["dddddddddddd", ""], ["db", "store"]);
	expect(namedLinks(attachment)).toEqual({ db: "db", store: "db" });
	expect(attachment.network).toBe("front");
	expect(warnings).toEqual([]);
});

test("where names resolve, the other may come later, and that is told", () => {
	const { attachment, warnings } = resolve(front, ["later", "kv"]);
	expect(namedLinks(attachment)).toEqual({ kv: "later" });
	expect(warnings).toEqual([expect.stringContaining("no container later yet")]);
	expect(refused(bridge, ["later", "kv"])).toBe("CONTAINER_NOT_FOUND");
});

test("on the default bridge the other has to be there", () => {
	expect(refused(bridge, ["db", "kv"])).toBe("accepted");
	expect(refused({ ...bridge, id: "another" }, ["db", "kv"])).toBe("LINKED_ELSEWHERE");
});

test("one name, one link", () => {
	expect(refused(front, ["db", "kv"], ["other", "KV"])).toBe("LINK_TWICE");
	expect(refused(front, ["db", "kv"], ["db", ""])).toBe("accepted");
});

describe("at the start of one that is linked on the default bridge", () => {
	const links = [{ container: "db", alias: "store" }];
	const client = {
		id: "c".repeat(64),
		name: "client",
		spec: ContainerSpec.fromPartial({ networks: [{ network: "bridge", links }] }),
	};
	const endpoint = (networkName: string, address: string) =>
		Endpoint.fromPartial({ networkName, addresses: [address] });
	const ENDPOINTS: Readonly<Record<string, readonly Endpoint[]>> = {
		here: [endpoint("bridge", "172.17.0.2/16")],
		elsewhere: [endpoint("front", "172.18.0.2/16")],
		// As netd has it in a list of all.
		"": [endpoint("bridge", "172.17.0.9/16")],
	};
	const outcome = async (db: Partial<ContainerRecord> | undefined) => {
		const other = db && { ...DB, spec: ContainerSpec.fromPartial({}), ...db };
		const parts = {
			netd: { endpoints: async (sandboxId: string) => ENDPOINTS[sandboxId] ?? [] },
			table: { findByName: () => other },
		} as unknown as Parts; // what is asked of them
		const record = client as ContainerRecord;
		const entries = (await linkedEntries(parts, record)).map(({ address }) => address);
		const environment = await linkEnvironment(parts, record).catch((error: unknown) => {
			if (isFault(error)) return error.reason;
			throw error;
		});
		return [entries, environment];
	};

	test("the other tells its address", async () => {
		const found = await outcome({ state: "RUNNING", sandboxId: "here" });
		expect(found).toEqual([["172.17.0.2"], ["STORE_NAME=/client/store"]]);
	});

	test.each<[string, Partial<ContainerRecord> | undefined, string]>([
		["is gone", undefined, "LINKED_NOT_RUNNING"],
		["does not run", { state: "EXITED", sandboxId: "" }, "LINKED_NOT_RUNNING"],
		["is on another network", { state: "RUNNING", sandboxId: "elsewhere" }, "LINKED_ELSEWHERE"],
		["has the host's network, and nobody's address", { state: "RUNNING", sandboxId: "" }, "LINKED_ELSEWHERE"],
	])("one that %s has no address, and that is refused", async (_, db, reason) => {
		expect(await outcome(db)).toEqual([[], reason]);
	});
});
