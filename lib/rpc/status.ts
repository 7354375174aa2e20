/**
 * Fault <-> gRPC status, the only place: `google.rpc.Status` with `ErrorInfo` and `BadRequest` in `grpc-status-details-bin`.
 *
 * A fault crosses any number of services unchanged: reason, domain, metadata, help and field travel. An error that is no fault never gets here.
 */
import { Metadata, type StatusObject, status as statusCode } from "@grpc/grpc-js";
import { BadRequest, ErrorInfo } from "#gen/google/rpc/error_details.ts";
import { Status } from "#gen/google/rpc/status.ts";
import { type Code, Fault } from "#lib/fault/fault.ts";

const DETAILS = "grpc-status-details-bin";
const ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo";
const BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest";
const HELP = "help";

/** Trailers are HTTP/2 headers, which peers bound (8 to 16 KiB): a sentence and a value are cut, reason and domain never. */
const MAX_TEXT = 1024;
const MAX_METADATA = 4096;

export function statusOf(fault: Fault): StatusObject {
	const message = messageOf(fault);
	const metadata = new Metadata();
	metadata.set(DETAILS, Buffer.from(Status.encode(message).finish()));
	return { code: statusCode[fault.code], details: message.message, metadata };
}

/** The same as a message. */
export function messageOf(fault: Fault): Status {
	const code = statusCode[fault.code];
	const message = clip(fault.message);
	const info: ErrorInfo = { reason: fault.reason, domain: fault.domain, metadata: travelling(fault) };
	const details = [{ typeUrl: ERROR_INFO, value: Buffer.from(ErrorInfo.encode(info).finish()) }];
	if (fault.field !== undefined) {
		const violation: BadRequest = { fieldViolations: [{ field: clip(fault.field), description: message }] };
		details.push({ typeUrl: BAD_REQUEST, value: Buffer.from(BadRequest.encode(violation).finish()) });
	}
	return { code, message, details };
}

/** The fault that a status carries, or undefined where the transport and not a service of ours made it. */
export function faultOf(status: Partial<StatusObject>, cause?: unknown): Fault | undefined {
	const [bytes] = status.metadata?.get(DETAILS) ?? [];
	if (!Buffer.isBuffer(bytes)) return undefined;
	// The details say what it is about; that it failed, and how, is the transport's own to say.
	return faultIn(
		{ code: status.code ?? statusCode.INTERNAL, message: status.details ?? "", details: detailsIn(bytes) },
		cause,
	);
}

/** The same of a message. */
export function faultIn({ code, message, details }: Status, cause?: unknown): Fault | undefined {
	const { info, violation } = decode(details);
	if (!info) return undefined;
	const { [HELP]: help, ...metadata } = info.metadata;
	const { reason, domain } = info;
	return new Fault({ code: codeOf(code), reason, domain, message, help, field: violation?.field, metadata, cause });
}

/** UNKNOWN, and what no specification names, is INTERNAL: the peer has not said what happened. */
function codeOf(number: number): Code {
	const name = statusCode[number];
	if (name === undefined || name === "OK" || name === "UNKNOWN") return "INTERNAL";
	return name as Code; // the other names of gRPC's codes are those of Code
}

function detailsIn(bytes: Buffer): Status["details"] {
	try {
		return Status.decode(bytes).details;
	} catch {
		return []; // malformed details say no more than none
	}
}

function decode(details: Status["details"]) {
	try {
		const find = (typeUrl: string) => details.find((detail) => detail.typeUrl === typeUrl)?.value;
		const info = find(ERROR_INFO);
		const request = find(BAD_REQUEST);
		return {
			info: info && ErrorInfo.decode(info),
			violation: request && BadRequest.decode(request).fieldViolations[0],
		};
	} catch {
		return {};
	}
}

/** The values that fit, and the help, which comes first. */
function travelling(fault: Fault): Record<string, string> {
	// A metadata that was spread from an object may hold what its type does not say; it must not end the service.
	const values = Object.entries<unknown>(fault.metadata).filter(([key]) => key !== HELP);
	const all = fault.help === undefined ? values : [[HELP, fault.help] as const, ...values];
	let room = MAX_METADATA;
	const fitting = all.flatMap(([key, text]) => {
		const value = clip(String(text));
		room -= Buffer.byteLength(key) + Buffer.byteLength(value);
		return room >= 0 ? [[key, value] as const] : [];
	});
	return Object.fromEntries(fitting);
}

function clip(text: string): string {
	return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT - 1)}…`;
}
