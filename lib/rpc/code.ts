/** The names of gRPC's status codes and their numbers, without loading gRPC. Source: grpc/doc/statuscodes.md. */
import type { Code } from "#lib/fault/fault.ts";

export const STATUS_NUMBER: Readonly<Record<Code, number>> = {
	CANCELLED: 1,
	INVALID_ARGUMENT: 3,
	DEADLINE_EXCEEDED: 4,
	NOT_FOUND: 5,
	ALREADY_EXISTS: 6,
	PERMISSION_DENIED: 7,
	RESOURCE_EXHAUSTED: 8,
	FAILED_PRECONDITION: 9,
	ABORTED: 10,
	OUT_OF_RANGE: 11,
	UNIMPLEMENTED: 12,
	INTERNAL: 13,
	UNAVAILABLE: 14,
	DATA_LOSS: 15,
	UNAUTHENTICATED: 16,
};

const NAMES = new Map(Object.entries(STATUS_NUMBER).map(([name, number]) => [number, name as Code]));

/** The name of a code. UNKNOWN (2), and what no specification names, is INTERNAL: the peer has not said what happened. */
export function codeName(number: number): Code {
	return NAMES.get(number) ?? "INTERNAL";
}
