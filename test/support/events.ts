/** What a consumer of the events has seen. */
import type { Host } from "./host.ts";

export interface SeenEvent {
	readonly id: string;
	readonly type: string;
	readonly action: string;
	readonly attributes: { readonly name?: string };
}

/** The names in events of one kind, in their order. */
export function namesOf(events: readonly SeenEvent[], type: string, action: string): (string | undefined)[] {
	return events
		.filter((event) => event.type === type && event.action === action)
		.map(({ attributes }) => attributes.name);
}

/** What `wharf events` says of all that is stored. */
export async function eventsSoFar(host: Host): Promise<SeenEvent[]> {
	const stdout = await host.wharfOk("events", "--no-follow", "--format", "json");
	return stdout
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as SeenEvent);
}
