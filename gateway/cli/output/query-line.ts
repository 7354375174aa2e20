/** A query of a container as a line: when, who, what was asked, what was said, and how long that took. */
import { count } from "./quantity.ts";
import { type LoggedQuery, Outcome, Transport } from "#gen/wharf/dns/v1/dns.ts";

const OUTCOMES: Readonly<Record<Outcome, string>> = {
	[Outcome.UNSPECIFIED]: "unknown",
	[Outcome.LOCAL]: "local",
	[Outcome.ABSENT]: "absent",
	[Outcome.FORWARDED]: "forwarded",
	[Outcome.CACHED]: "cached",
	[Outcome.REFUSED]: "refused",
	[Outcome.FAILED]: "failed",
};

const HEADS = ["TIME", "CONTAINER", "VIA", "TYPE", "NAME", "OUTCOME", "CODE", "TOOK", "ANSWER"] as const;
/** What most lines need; a column that once had to be wider stays so. */
const WIDTHS = [27, 12, 3, 5, 24, 9, 8, 10] as const;
const GAP = 2;

/** Columns of a table that has no end. */
export class QueryLines {
	readonly #widths: number[] = [...WIDTHS];

	head(): string {
		return this.#line(HEADS);
	}

	line(query: LoggedQuery): string {
		return this.#line([
			timeText(query.timeUs),
			query.container,
			transportWord(query),
			query.type,
			query.name,
			OUTCOMES[query.outcome],
			query.code,
			`${(query.durationUs / 1_000).toFixed(3)} ms`,
			answerText(query),
		]);
	}

	#line(cells: readonly string[]): string {
		const padded = cells.map((cell, column) => {
			const width = Math.max(this.#widths[column] ?? 0, cell.length);
			if (column < this.#widths.length) this.#widths[column] = width;
			return cell.padEnd(width + GAP);
		});
		return `${padded.join("").trimEnd()}\n`;
	}
}

export function queryJson(query: LoggedQuery): object {
	return {
		Time: timeText(query.timeUs),
		Container: query.container,
		ContainerID: query.owner,
		SandboxID: query.sandboxId,
		Transport: transportWord(query),
		Name: query.name,
		Type: query.type,
		Outcome: OUTCOMES[query.outcome],
		Code: query.code,
		Answers: query.answers,
		Data: query.data,
		DurationUs: query.durationUs,
	};
}

/** `2026-01-02T03:04:05.678901Z` */
function timeText(timeUs: bigint): string {
	const us = String(timeUs % 1_000n).padStart(3, "0");
	return new Date(Number(timeUs / 1_000n)).toISOString().replace("Z", `${us}Z`);
}

function transportWord({ transport }: LoggedQuery): string {
	return transport === Transport.TCP ? "tcp" : "udp";
}

/** `172.18.0.2, 172.18.0.3 and 5 more`; records that are no addresses and no names are counted only. */
function answerText({ answers, data }: LoggedQuery): string {
	const more = answers - data.length;
	if (more <= 0) return data.join(", ");
	return data.length === 0 ? count(more, "record") : `${data.join(", ")} and ${more} more`;
}
