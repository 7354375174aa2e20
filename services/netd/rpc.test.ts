/** What is no message of the contract at all, over gRPC. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { EndpointServiceService } from "#gen/wharf/network/v1/endpoint.ts";
import { createLog } from "#lib/log/log.ts";
import { client } from "#lib/rpc/client.ts";
import { serve } from "#lib/rpc/serve.ts";
import { netdServices } from "./rpc.ts";
import { modelBench } from "./test-support/netd.ts";

test.each([
	["a transport that nobody knows", "1a0408091850", "Unrecognized enum value 9 for enum Protocol"],
	["a field that ends too late", "1a7f08", "premature EOF"],
])("%s is refused by name", async (_, bytes, words) => {
	const folder = mkdtempSync(join(tmpdir(), "netd-rpc-"));
	const unix = join(folder, "netd.sock");
	await using it = await modelBench();
	const log = createLog({ service: "netd", level: "silent" });
	await using _server = await serve({ name: "netd", listen: { unix }, services: netdServices(it.netd), log });
	const { publishPorts } = EndpointServiceService;
	const garbled = { publishPorts: { ...publishPorts, requestSerialize: () => Buffer.from(bytes, "hex") } };
	using endpoints = client(garbled, { unix });
	await expect(endpoints.publishPorts({ requestId: "", endpointId: "", ports: [] })).rejects.toMatchObject({
		code: "INVALID_ARGUMENT",
		reason: "INVALID_MESSAGE",
		message: expect.stringContaining(words),
	});
	rmSync(folder, { recursive: true });
});
