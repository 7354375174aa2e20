/**
 * An event on its way: into the outbox without its identity, which it gets from the row when it leaves.
 *
 * The identity is appended to the stored bytes: concatenated protobuf messages are one message with the fields of both
 * (https://protobuf.dev/programming-guides/encoding/#last-one-wins).
 */
import { Event } from "#gen/wharf/event/v1/event.ts";
import { type OutboxRow, outboxEntries, outboxEntry } from "#lib/store/outbox.ts";
import type { Statement } from "#lib/store/store.ts";

export type Payload = NonNullable<Event["payload"]>;

/** Who speaks. */
export interface Origin {
	readonly host: string;
	readonly service: string;
	readonly epoch: string;
}

/** Goes into the transaction that makes it true. Its subject is `wharf.v1.<noun>.<action>`, as `wharf.v1.network.created`. */
export function eventEntry(payload: Payload): Statement {
	return outboxEntry(subjectOf(payload), encode(payload));
}

/** As many in order, all of one subject. */
export function eventEntries(payloads: readonly Payload[]): Statement[] {
	const [first] = payloads;
	if (first === undefined) return [];
	return [outboxEntries(subjectOf(first), payloads.map(encode))];
}

function encode(payload: Payload): Uint8Array {
	return Event.encode(unnamed({ payload })).finish();
}

function subjectOf({ $case, value: { action } }: Payload): string {
	return `wharf.v1.${$case}.${action.replace(/^ACTION_/, "").toLowerCase()}`;
}

/** `<host>/<service>/<epoch>/<row>`: unique for ever. */
export function messageId({ host, service, epoch }: Origin, row: number): string {
	return `${host}/${service}/${epoch}/${row}`;
}

export function identified(origin: Origin, { row, payload, occurredAt }: OutboxRow): Uint8Array {
	const identity = unnamed({ ...origin, id: messageId(origin, row), row: BigInt(row), occurredAt });
	return Buffer.concat([payload, Event.encode(identity).finish()]);
}

function unnamed(fields: Partial<Event>): Event {
	return {
		id: "",
		host: "",
		service: "",
		epoch: "",
		row: 0n,
		occurredAt: undefined,
		payload: undefined,
		...fields,
	};
}
