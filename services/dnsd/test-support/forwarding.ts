/** A forwarder with little patience, and what a client gets of it. */
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { Packet } from "dns2";
import type { Transport } from "../answer.ts";
import { RCODE } from "../protocol.ts";
import type { Forwarder, ForwarderSettings } from "../upstream/forwarder.ts";
import type { Server } from "../upstream/server.ts";
import { query } from "./messages.ts";

export const settings: ForwarderSettings = {
	pace: { hedgeMs: 50, againMs: 200, overallMs: 1_000 },
	inFlightPerSandbox: 4,
	inFlight: 6,
	cacheBytes: 0,
};

/** With which nobody is asked a second time because the machine is busy. */
export const calm: ForwarderSettings = {
	...settings,
	pace: { hedgeMs: 60_000, againMs: 60_000, overallMs: 60_000 },
};

export interface Got {
	readonly id: number;
	readonly rcode: number;
	readonly tc: number;
	/** Of records that are no address: undefined. */
	readonly addresses: readonly (string | undefined)[];
	/** With an OPT record; left out without. */
	readonly extended?: true;
}

export const truth: Got = { id: 7, rcode: RCODE.NOERROR, tc: 0, addresses: ["192.0.2.1"] };
export const failure: Got = { id: 7, rcode: RCODE.SERVFAIL, tc: 0, addresses: [] };

export interface Asked {
	readonly transport?: Transport;
	readonly sandbox?: string;
	readonly id?: number;
	readonly edns?: boolean;
}

export async function ask(
	forwarder: Forwarder,
	name: string,
	servers: readonly Server[],
	{ transport = "udp", sandbox = "s", id = 7, edns = false }: Asked = {},
): Promise<Got> {
	const packet = Packet.parse(await forwarder.forward(query(name, { id, edns }), transport, servers, sandbox));
	const { rcode, tc } = packet.header;
	const addresses = packet.answers.map(({ address }) => address);
	return { id: packet.header.id, rcode, tc, addresses, ...(packet.additionals.length > 0 && { extended: true }) };
}

/** A port at which nobody listens: the kernel says so. */
export async function deadServer(): Promise<Server> {
	const socket = createSocket("udp4").bind(0, "127.0.0.1");
	await once(socket, "listening");
	const { port } = socket.address();
	socket.close();
	await once(socket, "close");
	return { family: 4, address: "127.0.0.1", port };
}
