/** Policy rules through rtnetlink (RTM_*RULE): which table is asked for packets from an address. */
import { type Family, Ip } from "#lib/address/ip.ts";
import { AF_INET6, kernelFamily } from "../family.ts";
import * as attribute from "./attribute.ts";
import { NLM_F_CREATE, NLM_F_EXCL, type Request } from "./message.ts";
import type { NetlinkSocket } from "./socket.ts";

const RTM_NEWRULE = 32;
const RTM_DELRULE = 33;
const RTM_GETRULE = 34;

/** `struct fib_rule_hdr` */
const HEADER_BYTES = 12;
const FRA = { src: 2, priority: 6, suppressPrefix: 14, table: 15, protocol: 21 } as const;
const FR_ACT_TO_TBL = 1;

/** Packets from this address are led by this table. */
export interface Rule {
	readonly source: Ip;
	readonly table: number;
	/** Lower is asked first: 0 is the local table, 32766 the main one. */
	readonly priority: number;
	/** The table's default route does not count: the next rule is asked. */
	readonly butDefault: boolean;
	/** Who made it, as with routes: 3 boot, 4 static, … `/etc/iproute2/rt_protos`. */
	readonly protocol: number;
}

export class Rules {
	readonly #socket: NetlinkSocket;

	constructor(socket: NetlinkSocket) {
		this.#socket = socket;
	}

	/** One that is there is EEXIST. */
	add(rule: Rule): void {
		this.#socket.request(request("add", RTM_NEWRULE, NLM_F_CREATE | NLM_F_EXCL, rule));
	}

	/** Absent is ENOENT. */
	remove(rule: Rule): void {
		this.#socket.request(request("remove", RTM_DELRULE, 0, rule));
	}

	/** Those of one address each that this protocol made, of both families. */
	list({ protocol }: Pick<Rule, "protocol">): Rule[] {
		return ([4, 6] as const).flatMap((family) => this.#list(family)).filter((rule) => rule.protocol === protocol);
	}

	#list(family: Family): Rule[] {
		const body = Buffer.alloc(HEADER_BYTES);
		body.writeUInt8(kernelFamily(family), 0);
		return this.#socket
			.dumpIfSupported({ label: `list IPv${family} rules`, type: RTM_GETRULE, flags: 0, body })
			.filter(({ type }) => type === RTM_NEWRULE)
			.flatMap((reply) => decode(reply.body) ?? []);
	}
}

function request(
	verb: string,
	type: number,
	flags: number,
	{ source, table, priority, butDefault, protocol }: Rule,
): Request {
	const bytes = source.toBytes();
	const header = Buffer.alloc(HEADER_BYTES);
	header.writeUInt8(kernelFamily(source.family), 0);
	header.writeUInt8(bytes.length * 8, 2); // the source's prefix
	header.writeUInt8(FR_ACT_TO_TBL, 7);
	const attributes = [
		attribute.bytes(FRA.src, bytes),
		attribute.u32(FRA.priority, priority),
		butDefault ? attribute.u32(FRA.suppressPrefix, 0) : undefined,
		attribute.u32(FRA.table, table),
		attribute.u8(FRA.protocol, protocol),
	];
	return {
		label: `${verb} rule from ${source} table ${table}`,
		type,
		flags,
		body: Buffer.concat([header, attribute.join(attributes)]),
	};
}

/** Undefined for a rule that is about more, or less, than one source address. */
function decode(body: Buffer): Rule | undefined {
	const attributes = attribute.AttributeSet.decode(body.subarray(HEADER_BYTES));
	const source = attributes.bytes(FRA.src);
	const width = body.readUInt8(0) === AF_INET6 ? 16 : 4;
	if (source === undefined || body.readUInt8(2) !== width * 8) return undefined;
	return {
		source: Ip.fromBytes(source),
		table: attributes.u32(FRA.table) ?? body.readUInt8(4),
		priority: attributes.u32(FRA.priority) ?? 0,
		butDefault: attributes.u32(FRA.suppressPrefix) === 0,
		protocol: attributes.u8(FRA.protocol) ?? 0,
	};
}
