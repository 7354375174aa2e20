/** What is still on a host after `wharf down --all`: it should be nothing. */
import type { Host } from "../host.ts";
import { links, mounts, processes, tables } from "./kernel.ts";

/** Links of the host that the test made itself. */
const OWN_LINKS = ["lo", "eth0", "eth1"];
/** The host's first process and what asks. */
const OWN_PROCESS = /^(sh -c while|sleep 3600|ps |\S*python3 -m http\.server)/;

export async function leftovers(host: Host): Promise<string[]> {
	const found: string[] = [];
	for (const { name } of await links(host)) if (!OWN_LINKS.includes(name)) found.push(`link ${name}`);
	for (const table of await tables(host)) if (table.includes("wharf")) found.push(`nft table ${table}`);
	const ruleset = await host.ok("nft", ["list", "ruleset"]);
	for (const line of ruleset.split("\n")) if (line.includes('comment "wharf"')) found.push(`rule ${line.trim()}`);
	for (const { target } of await mounts(host, host.root)) found.push(`mount ${target}`);
	for (const { command, state } of await processes(host)) {
		if (!OWN_PROCESS.test(command) && !state.startsWith("Z")) found.push(`process ${state} ${command}`);
	}
	const sockets = await host.ok("ss", ["-Hltnup"]);
	for (const line of sockets.split("\n")) if (line !== "" && !line.includes("python3")) found.push(`socket ${line}`);
	return found;
}
