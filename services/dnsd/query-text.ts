/**
 * Queries and answers as a person reads them. Only for who watches: nothing here is on the way of an answer.
 *
 * Pure. Any bytes give a text of printable ASCII, bounded, and nothing is read past the end.
 */
import { Ip } from "#lib/address/ip.ts";
import { keyOfWire, NAME_BYTES, type NameKey } from "./name.ts";
import { HEADER_BYTES, RCODE, TYPE } from "./protocol.ts";
import { endOfPlainName, recordAt, type RecordPlace, uint16 } from "./wire.ts";

export interface Question {
	/** As asked, with its case; `.` is the root. Bytes that are not printable are `\DDD` (RFC 1035 §5.1). */
	readonly name: string;
	readonly key: NameKey;
	/** As `A`; `TYPE65280` where it has no name here (RFC 3597 §5). */
	readonly type: string;
}

/** Undefined when there is none that can be read. */
export function readQuestion(packet: Buffer): Question | undefined {
	if (packet.length < HEADER_BYTES || uint16(packet, 4) === 0) return undefined;
	const end = endOfPlainName(packet, HEADER_BYTES);
	if (end < 0 || end + 2 > packet.length) return undefined;
	const key = keyOfWire(packet.toString("latin1", HEADER_BYTES, end - 1));
	return { name: nameText(packet, HEADER_BYTES), key, type: typeText(uint16(packet, end)) };
}

const TYPE_NAMES = new Map<number, string>(Object.entries(TYPE).map(([name, number]) => [number, name]));
const RCODE_NAMES = new Map<number, string>(Object.entries(RCODE).map(([name, number]) => [number, name]));

function typeText(type: number): string {
	return TYPE_NAMES.get(type) ?? `TYPE${type}`;
}

/** As `NXDOMAIN`; `RCODE11` where it has no name here. */
export function codeText(rcode: number): string {
	return RCODE_NAMES.get(rcode) ?? `RCODE${rcode}`;
}

export interface AnswerText {
	/** How many records the answer section has. */
	readonly count: number;
	/** The first addresses and names among them. */
	readonly data: readonly string[];
}

const DATA_SHOWN = 4;

/** What cannot be read of the answer section is left out. */
export function readAnswers(packet: Buffer): AnswerText {
	const count = packet.length < HEADER_BYTES ? 0 : uint16(packet, 6);
	const data: string[] = [];
	let at = endOfPlainName(packet, HEADER_BYTES) + 4; // our answers repeat the question
	for (let i = 0; i < count && data.length < DATA_SHOWN; i++) {
		const record = recordAt(packet, at);
		if (record === undefined) break;
		const text = dataText(packet, record);
		if (text !== undefined) data.push(text);
		at = record.end;
	}
	return { count, data };
}

function dataText(packet: Buffer, { type, dataStart, end }: RecordPlace): string | undefined {
	const length = end - dataStart;
	if ((type === TYPE.A && length === 4) || (type === TYPE.AAAA && length === 16)) {
		return Ip.fromBytes(packet.subarray(dataStart, end)).toString();
	}
	return type === TYPE.PTR || type === TYPE.CNAME ? nameText(packet, dataStart) : undefined;
}

/** The name at `start`, as far as it can be read. A pointer must point before what it stands in, so that there is an end. */
function nameText(packet: Buffer, start: number): string {
	let text = "";
	let at = start;
	let before = start;
	let bytes = 0;
	while (bytes < NAME_BYTES) {
		const length = packet[at] ?? 0;
		if (length >= 0xc0) {
			const target = uint16(packet, at) & 0x3fff;
			if (target >= before) break;
			at = before = target;
			continue;
		}
		if (length === 0 || length > 63 || at + 1 + length > packet.length) break;
		text += `${text === "" ? "" : "."}${labelText(packet, at + 1, length)}`;
		at += length + 1;
		bytes += length + 1;
	}
	return text === "" ? "." : text;
}

function labelText(packet: Buffer, start: number, length: number): string {
	const text = packet.toString("latin1", start, start + length);
	return text.replace(/[^!-~]|[.\\]/g, (one) => {
		const isShown = one === "." || one === "\\";
		return isShown ? `\\${one}` : `\\${String(one.charCodeAt(0)).padStart(3, "0")}`;
	});
}
