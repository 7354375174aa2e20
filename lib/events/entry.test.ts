import { describe, expect, test } from "vitest";
import { Event } from "#gen/wharf/event/v1/event.ts";
import { eventEntry, identified, type Payload } from "./entry.ts";

const NETWORK: Payload = {
	$case: "network",
	value: { action: "ACTION_CREATED", networkId: "n1", name: "web", driver: "bridge" },
};

describe("eventEntry", () => {
	test("is an insert into the outbox under the subject of its noun and action", () => {
		expect(eventEntry(NETWORK).params?.[0]).toBe("wharf.v1.network.created");
		const port = { endpointId: "e", protocol: "tcp", hostAddress: "", hostPort: 1, containerPort: 2 };
		expect(eventEntry({ $case: "port", value: { action: "ACTION_UNPUBLISHED", ...port } }).params?.[0]).toBe(
			"wharf.v1.port.unpublished",
		);
	});

	test("gets its identity from its row when it leaves", () => {
		const payload = eventEntry(NETWORK).params?.[1] as Uint8Array;
		const occurredAt = new Date("2025-01-02T03:04:05.678Z");
		const row = { row: 42, subject: "s", payload, occurredAt };
		const origin = { host: "h1", service: "netd", epoch: "0123456789abcdef" };
		expect(Event.decode(identified(origin, row))).toEqual({
			...origin,
			id: "h1/netd/0123456789abcdef/42",
			row: 42n,
			occurredAt,
			payload: NETWORK,
		});
	});
});
