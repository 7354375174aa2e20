/**
 * The kernel's links, addresses, routes, policy rules and neighbours, of one network namespace.
 *
 * Everything is one synchronous message of some microseconds, except where a comment says that it waits. Nothing here is
 * idempotent: a call says what the kernel did, by errno, and the caller knows whether "exists" is a success.
 */
import { Addresses } from "./addresses.ts";
import { Links } from "./links.ts";
import { Neighbours } from "./neighbours.ts";
import { NetworkLayer } from "./network-layer.ts";
import { Routes } from "./routes.ts";
import { Rules } from "./rules.ts";
import { NETLINK_ROUTE, NetlinkSocket } from "./socket.ts";

export class Rtnetlink implements Disposable {
	readonly links: Links;
	readonly addresses: Addresses;
	readonly routes: Routes;
	readonly rules: Rules;
	readonly neighbours: Neighbours;
	readonly layer: NetworkLayer;
	readonly #socket: NetlinkSocket;

	private constructor(socket: NetlinkSocket, netns: string | undefined) {
		this.#socket = socket;
		this.links = new Links(socket, netns);
		this.addresses = new Addresses(socket);
		this.routes = new Routes(socket);
		this.rules = new Rules(socket);
		this.neighbours = new Neighbours(socket);
		this.layer = new NetworkLayer(socket);
	}

	/** Of the namespace at `netns`, or of the thread's own. The open socket keeps the namespace alive. */
	static open(netns?: string): Rtnetlink {
		return new Rtnetlink(NetlinkSocket.open(NETLINK_ROUTE, netns), netns);
	}

	[Symbol.dispose](): void {
		this.#socket[Symbol.dispose]();
	}
}
