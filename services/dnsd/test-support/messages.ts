/** Queries as clients send them, and responses as a server would encode them: dns2's own words. */
import { Packet } from "dns2";
import { encodeQuery } from "../codec.ts";
import { TYPE } from "../protocol.ts";
import { parseQuery, type Query } from "../query.ts";
import { parseResponse, type Response } from "../upstream/response.ts";

export interface Asks {
	readonly id?: number;
	readonly type?: number;
	readonly edns?: boolean;
	readonly dnssecOk?: boolean;
	readonly udpBytes?: number;
	/** Options of the OPT record, encoded. */
	readonly options?: Buffer;
	/** Bits that are set besides recursion desired. */
	readonly flags?: number;
}

export function query(name: string, asks: Asks = {}): Query {
	const { id = 0x1111, type = TYPE.A, edns = false, dnssecOk = false, flags = 0 } = asks;
	const { udpBytes = 1232, options = Buffer.alloc(0) } = asks;
	let packet = encodeQuery(id, name, type);
	packet.writeUInt16BE(packet.readUInt16BE(2) | flags, 2);
	if (edns) {
		const opt = Buffer.from([0, 0, 41, udpBytes >> 8, udpBytes & 255, 0, 0, dnssecOk ? 0x80 : 0, 0, 0, options.length]);
		packet = Buffer.concat([packet, opt, options]);
		packet.writeUInt16BE(1, 10);
	}
	const parsed = parseQuery(packet);
	if (parsed === undefined) throw new Error("not a query");
	return parsed;
}

export interface Says {
	readonly id?: number;
	readonly name?: string;
	readonly rcode?: number;
	readonly authoritative?: boolean;
	/** A record of the name for each, 192.0.2.1 and on. */
	readonly ttls?: readonly number[];
	/** Of an SOA in the authority section. */
	readonly soa?: { readonly ttl: number; readonly minimum: number };
}

export function packetThat({
	id = 0x2222,
	name = "example.com",
	rcode = 0,
	authoritative,
	ttls = [],
	soa,
}: Says): Buffer {
	const packet = new Packet();
	packet.header = new Packet.Header({ id, qr: 1, rd: 0, ra: 1, rcode, aa: authoritative === true ? 1 : 0 });
	packet.questions = [new Packet.Question(name, TYPE.A, 1)];
	for (const [i, ttl] of ttls.entries()) {
		packet.answers.push(new Packet.Resource({ name, type: TYPE.A, class: 1, ttl, address: `192.0.2.${i + 1}` }));
	}
	if (soa !== undefined) {
		const numbers = { serial: 1, refresh: 2, retry: 3, expiration: 4, minimum: soa.minimum };
		const owner = { name: "com", type: TYPE.SOA, class: 1, ttl: soa.ttl, primary: "a.com", admin: "b.com" };
		packet.authorities.push(new Packet.Resource({ ...owner, ...numbers }));
	}
	return packet.toBuffer();
}

/** As it is after it was read for a client that asked so. */
export function responseThat(says: Says, asks: Asks = {}): Response {
	const response = parseResponse(packetThat(says), query(says.name ?? "example.com", asks));
	if (response === undefined) throw new Error("not a good response");
	return response;
}
