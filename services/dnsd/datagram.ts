/** UDP sockets whose peers are addresses and never names. */
import { createSocket, type Socket } from "node:dgram";
import type { Family } from "#lib/address/ip.ts";

/** dgram would look up each packet's peer, and that on the next tick; it is an address already. */
function lookUpNothing(
	address: string,
	_options: unknown,
	done: (error: null, address: string, family: number) => void,
): void {
	done(null, address, address.includes(":") ? 6 : 4);
}

export function datagramSocket(family: Family): Socket {
	return createSocket({ type: family === 4 ? "udp4" : "udp6", lookup: lookUpNothing });
}
