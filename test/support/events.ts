/** What a consumer of the events has seen. */
import type { Host } from "./host.ts";

export interface SeenEvent {
	readonly id: string;
	readonly network?: { readonly action: string; readonly name: string };
	readonly container?: { readonly action: string; readonly name: string };
}

/** What `wharf events` says from the first event on, until it has been quiet for a while. */
export async function eventsSoFar(host: Host): Promise<SeenEvent[]> {
	const { stdout } = await host.run("timeout", ["4", host.program, "events", "--since", "all", "--format", "json"]);
	return stdout
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line) as SeenEvent);
}
