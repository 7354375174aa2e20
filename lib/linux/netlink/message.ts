/**
 * Netlink messages (`struct nlmsghdr`, RFC 3549): framing of requests, and of what the kernel answers.
 */
import { AttributeSet, align4 } from "./attribute.ts";

const HEADER_BYTES = 16;

const NLM_F_REQUEST = 0x001;
export const NLM_F_ACK = 0x004;
const NLM_F_DUMP_INTR = 0x010;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;

/** Flags of an answer: the request's payload is not repeated; attributes with the kernel's words follow. */
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;

const NLMSG_NOOP = 1;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLMSGERR_ATTR_MSG = 1;
const NLMSGERR_ATTR_OFFS = 2;

export interface Request {
	/** For people, in errors: what is asked of what, as "add link wh0". */
	readonly label: string;
	readonly type: number;
	/** Besides NLM_F_REQUEST. */
	readonly flags: number;
	/** The family's fixed header and the attributes. */
	readonly body: Buffer;
}

/** What the kernel said in an acknowledgement or at the end of a dump. `errno` 0 is success. */
export interface Verdict {
	readonly errno: number;
	readonly text: string | undefined;
	/** Where in the message the attribute at fault begins, counted from the message's header. */
	readonly offset?: number | undefined;
}

export interface Reply {
	readonly type: number;
	readonly sequence: number;
	/** Of the socket that asked for it, also in news; 0 for what the kernel did by itself. */
	readonly portId: number;
	readonly body: Buffer;
	/** The dump was disturbed by a change: entries may be missing. */
	readonly interrupted: boolean;
	/** Set for acknowledgements and ends of dumps only. */
	readonly verdict: Verdict | undefined;
}

export function encodeMessage(request: Request, sequence: number): Buffer {
	const length = HEADER_BYTES + request.body.length;
	const out = Buffer.alloc(align4(length));
	out.writeUInt32LE(length, 0);
	out.writeUInt16LE(request.type, 4);
	out.writeUInt16LE(request.flags | NLM_F_REQUEST, 6);
	out.writeUInt32LE(sequence, 8);
	// Bytes 12 to 15 are the sender's port id; 0 lets the kernel fill in the socket's.
	out.set(request.body, HEADER_BYTES);
	return out;
}

/** The messages of one datagram. Bodies are views into it. */
export function* decodeMessages(datagram: Buffer): Generator<Reply> {
	let offset = 0;
	while (offset + HEADER_BYTES <= datagram.length) {
		const length = datagram.readUInt32LE(offset);
		if (length < HEADER_BYTES || offset + length > datagram.length) return;
		const type = datagram.readUInt16LE(offset + 4);
		const flags = datagram.readUInt16LE(offset + 6);
		const body = datagram.subarray(offset + HEADER_BYTES, offset + length);
		if (type !== NLMSG_NOOP) {
			yield {
				type,
				sequence: datagram.readUInt32LE(offset + 8),
				portId: datagram.readUInt32LE(offset + 12),
				body,
				interrupted: (flags & NLM_F_DUMP_INTR) !== 0,
				verdict: decodeVerdict(type, flags, body),
			};
		}
		offset += align4(length);
	}
}

function decodeVerdict(type: number, flags: number, body: Buffer): Verdict | undefined {
	if (type !== NLMSG_ERROR && type !== NLMSG_DONE) return undefined;
	const errno = body.length >= 4 ? Math.abs(body.readInt32LE(0)) : 0;
	if ((flags & NLM_F_ACK_TLVS) === 0) return { errno, text: undefined };
	let offset = 4;
	if (type === NLMSG_ERROR) {
		// The refused message's header follows, and its payload unless the kernel cut it off.
		offset += (flags & NLM_F_CAPPED) === 0 ? align4(body.readUInt32LE(4)) : HEADER_BYTES;
	}
	const attributes = AttributeSet.decode(body.subarray(offset));
	return { errno, text: attributes.string(NLMSGERR_ATTR_MSG), offset: attributes.u32(NLMSGERR_ATTR_OFFS) };
}
