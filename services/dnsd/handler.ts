/** What is said to the packets of one sandbox, from socket to socket: answered or forwarded, counted, kept, and told to who watches. */
import type { Log } from "#lib/log/log.ts";
import { answer, type Asker, type Outcome, type Transport } from "./answer.ts";
import { type Counters, ownOutcome } from "./counters.ts";
import type { AnswerCache } from "./answer-cache.ts";
import type { Answerer, Handler } from "./listener.ts";
import { RCODE } from "./protocol.ts";
import type { Query } from "./query.ts";
import type { Asking, PendingQuery, QueryLog } from "./query-log.ts";
import { rcodeOf } from "./wire.ts";

/** What a sandbox's handler has at hand, so that a query looks up nothing. */
export interface Seat {
	readonly asker: Asker;
	/** What was said, to be said again. */
	readonly answers: AnswerCache;
	/** The sandbox's view of the names; it has another number when it may be another view. */
	readonly view: { readonly number: number };
	readonly counters: Counters;
	readonly queries: QueryLog;
	readonly log: Log;
	/** Who it is at this moment, for the log of queries. */
	asking(): Asking;
	/** Never rejects, and reads the query's packet no more when it has returned. `mostNegativeSeconds`: for how long at most it may be said that there is nothing. */
	forward(query: Query, transport: Transport, mostNegativeSeconds: number | undefined): Buffer | Promise<Buffer>;
}

type Forwarding = Extract<Outcome, { kind: "forward" }>;

export function answererOf(seat: Seat): Answerer {
	return {
		handle: (packet, transport) => {
			try {
				const said = handle(packet, transport, seat);
				return said instanceof Promise ? said.catch((error: unknown) => broken(error, seat)) : said;
			} catch (error) {
				return broken(error, seat);
			}
		},
		again: (packet, length, room) => again(packet, length, room, seat),
	};
}

/** One query is not answered; the others are. */
function broken(error: unknown, { log }: Seat): undefined {
	log.error("A query was not answered: this is a bug.", { err: error });
}

/** Nothing while somebody watches, who is to see what is asked. */
function again(packet: Buffer, length: number, room: Buffer, { answers, view, counters, queries }: Seat): number {
	if (queries.isWatched) return 0;
	const answered = answers.find(view.number, packet, length, room);
	if (answered === 0) return 0;
	if (answers.foundAges) {
		counters.forwarded += 1;
		counters.cached += 1;
	} else counters[ownOutcome(room)] += 1;
	return answered;
}

function handle(packet: Buffer, transport: Transport, seat: Seat): ReturnType<Handler> {
	const { counters, queries } = seat;
	const seen = queries.isWatched ? queries.begin(seat.asking(), packet, transport) : undefined;
	if (transport === "tcp") counters.tcp += 1;
	const outcome = answer(packet, seat.asker, transport);
	switch (outcome.kind) {
		case "answer": {
			const kind = ownOutcome(outcome.packet);
			counters[kind] += 1;
			seen?.end(kind, outcome.packet);
			if (outcome.isSettled && transport === "udp") {
				seat.answers.keep(seat.view.number, packet, outcome.packet, { ages: false });
			}
			return outcome.packet;
		}
		case "forward":
			return forward(outcome, transport, seat, seen);
		case "ignore":
			counters.ignored += 1;
			return undefined;
	}
}

function forward(
	{ query, mayComeToBe }: Forwarding,
	transport: Transport,
	seat: Seat,
	seen: PendingQuery | undefined,
): Buffer | Promise<Buffer> {
	const { counters, answers, view, asker } = seat;
	counters.forwarded += 1;
	const ended = (packet: Buffer, outcome: "cached" | "forwarded"): Buffer => {
		if (isFailure(packet)) counters.failed += 1;
		else if (outcome === "cached") counters.cached += 1;
		seen?.end(isFailure(packet) ? "failed" : outcome, packet);
		return packet;
	};
	const said = seat.forward(query, transport, mayComeToBe ? asker.ttlSeconds : undefined);
	if (!Buffer.isBuffer(said)) return said.then((answer) => ended(answer, "forwarded"));
	if (transport === "udp" && !isFailure(said)) answers.keep(view.number, query.packet, said, { ages: true });
	return ended(said, "cached");
}

function isFailure(answer: Buffer): boolean {
	return rcodeOf(answer) === RCODE.SERVFAIL;
}
