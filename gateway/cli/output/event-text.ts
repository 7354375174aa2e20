/** An event as a line: time, kind, what happened, to whom. */
import type { Event } from "#gen/wharf/event/v1/event.ts";

/** `2026-01-02T03:04:05.678Z container exited 0123456789ab (name=web, exit_code=0)` */
export function eventLine(event: Event): string {
	const { $case: noun, value } = event.payload ?? { $case: "unknown", value: {} };
	const fields = Object.entries(value as object).filter(
		([key, one]) => key !== "action" && one !== "" && String(one) !== "",
	);
	const [subject, ...rest] = fields;
	const details = rest.map(([key, one]) => `${snake(key)}=${String(one)}`).join(", ");
	const time = event.occurredAt?.toISOString() ?? "";
	return `${time} ${noun} ${actionWord(value)} ${String(subject?.[1] ?? "")}${details === "" ? "" : ` (${details})`}\n`;
}

/** One JSON object; numbers beyond 2^53 are strings. */
export function eventJson(event: Event): string {
	const { $case: noun, value } = event.payload ?? { $case: "unknown", value: {} };
	const { id, host, service, row, epoch, occurredAt } = event;
	const line = {
		id,
		host,
		service,
		epoch,
		row,
		time: occurredAt,
		type: noun,
		action: actionWord(value),
		attributes: value,
	};
	return `${JSON.stringify(line, (_, one: unknown) => (typeof one === "bigint" ? String(one) : one))}\n`;
}

/** `ACTION_CREATED`, with or without the name of its enum before it, is `created`. */
function actionWord(value: object): string {
	return "action" in value
		? String(value.action)
				.replace(/^.*ACTION_/, "")
				.toLowerCase()
		: "";
}

function snake(key: string): string {
	return key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
