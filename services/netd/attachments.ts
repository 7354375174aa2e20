/** A sandbox's endpoints with their networks, from the store. */
import type { Endpoint } from "./endpoint.ts";
import { faults } from "./faults.ts";
import { nameOf } from "./id.ts";
import type { Records } from "./records.ts";
import type { Sandbox } from "./sandbox.ts";
import type { Attachment } from "./sandbox-view.ts";
import { isThere } from "./status.ts";

/** Those that are there, oldest first: what is on its way in or out is not. */
export function attachmentsOf(
	records: Records,
	sandboxId: string,
	endpoints: readonly Endpoint[] = records.endpointsOf(sandboxId),
): Attachment[] {
	return endpoints.filter(isThere).map((endpoint) => attachmentOf(records, endpoint));
}

export function attachmentOf(records: Records, endpoint: Endpoint): Attachment {
	const network = records.network(endpoint.networkId);
	// The foreign key of the row.
	if (network === undefined) throw new TypeError(`the network of the endpoint ${endpoint.id} is not stored`);
	return { endpoint, network };
}

/** One that shares another's namespace has what that one has. */
export function refuseJoined(records: Records, sandbox: Sandbox): void {
	if (sandbox.joined === undefined) return;
	const metadata = { sandbox: nameOf(sandbox), owner: records.sandboxName(sandbox.joined) };
	throw faults.SANDBOX_IS_JOINED(metadata, { field: "sandbox_id" });
}
