/** A segment beyond a town's host, and stations on it. */
import type { Port } from "../port.ts";
import { call, connectSpec, sandboxSpec } from "./netd.ts";
import type { Town } from "./town.ts";

/** The segment's router, outside. */
export const ROUTER = "10.77.0.1";

/** Plugs the host's `eth1` into `port1` of a switch outside, which has the router's address. */
export function plugIn({ run, host, outside }: Pick<Town, "run" | "host" | "outside">): void {
	run(host, "ip", "link", "add", "eth1", "type", "veth", "peer", "name", "port1", "netns", outside);
	run(host, "ip", "link", "set", "eth1", "up");
	run(outside, "ip", "link", "add", "segment", "type", "bridge");
	run(outside, "ip", "address", "add", `${ROUTER}/24`, "dev", "segment");
	for (const name of ["segment", "port1"]) run(outside, "ip", "link", "set", name, "up");
	run(outside, "ip", "link", "set", "port1", "master", "segment");
}

/** A sandbox on a network, that serves at port 80: its namespace, its address, and its endpoint's id and MAC. */
export async function serving(
	{ it, serve }: Pick<Town, "it" | "serve">,
	name: string,
	network: string,
	ports: Port[] = [],
) {
	const sandbox = await it.netd.sandboxes.create(sandboxSpec(name), call());
	const { view } = await it.netd.endpoints.connect(connectSpec(network, sandbox, { ports }), call());
	await serve(sandbox.netnsPath, 80);
	const { id, addresses, mac } = view.endpoint;
	return { netns: sandbox.netnsPath, sandbox, address: addresses[0]?.ip.toString() ?? "", id, mac };
}
