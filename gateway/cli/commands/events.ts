import { setTimeout as sleep } from "node:timers/promises";
import type { NatsSettings } from "#lib/events/connection.ts";
import { consume } from "#lib/events/consumer.ts";
import { isFault } from "#lib/fault/fault.ts";
import { isJson } from "../format.ts";
import { configuredNats, readPrivateNats, settingsOf } from "../../supervisor/nats.ts";
import { supervisorFaults } from "../../supervisor/faults.ts";
import { liveState } from "../../supervisor/state-file.ts";
import { eventJson, eventLine } from "../output/event-text.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";
import type { Terminal } from "../terminal.ts";

/** With --no-follow: events that are stored come at once; this long a silence is their end. */
const SILENCE_MS = 500;
/** How long NATS may take to answer at first. */
const ANSWER_MS = 5_000;

export default command({
	name: "events",
	summary: "Prints what happens as it happens, until Ctrl-C; each event once.",
	operands: "",
	minOperands: 0,
	maxOperands: 0,
	flags: {
		all: {
			kind: "switch",
			short: "a",
			help: "Begin with what is stored: seven days, unless the stream was made otherwise",
		},
		"no-follow": { kind: "switch", help: "End after what is stored" },
		filter: {
			kind: "text",
			short: "f",
			value: "SUBJECT",
			help: "Only these, as `network`, `container.exited` or wharf.v1.port.>",
		},
		format: { kind: "text", value: "FORMAT", help: "`json`: one JSON object a line" },
	},
	examples: [["wharf events --filter container --format json", "what containers do, for a program"]],
	async run({ flags, terminal }) {
		const print = isJson(flags.format) ? eventJson : eventLine;
		const quiet = new AbortController();
		const signal = AbortSignal.any([terminal.interruptible(), quiet.signal]);
		let heard = 0;
		const nats = natsOf(terminal);
		// A server that goes away later is waited for; one that was never there is told.
		const absent = setTimeout(
			() => quiet.abort(supervisorFaults.NATS_SILENT({ servers: nats.servers.join(", ") })),
			ANSWER_MS,
		);
		const onReady = (): void => {
			clearTimeout(absent);
			if (flags["no-follow"]) void untilSilent(() => heard, signal).then(() => quiet.abort());
		};
		const since = flags.all || flags["no-follow"] ? "all" : "new";
		for await (const event of consume({
			nats,
			filter: subject(flags.filter),
			since,
			signal,
			onReady,
		})) {
			heard++;
			await terminal.out(print(event));
		}
		clearTimeout(absent);
		if (isFault(quiet.signal.reason)) throw quiet.signal.reason;
		return 0;
	},
});

function natsOf({ paths, env }: Terminal): NatsSettings {
	const own = readPrivateNats(paths);
	const settings = configuredNats(paths, env) ?? (own && settingsOf(own));
	if (settings !== undefined) return settings;
	throw liveState(paths) === undefined ? supervisorFaults.CONTROL_PLANE_DOWN({}) : supervisorFaults.NATS_HIDDEN({});
}

/** `network` is every event of a network, `container.exited` one kind. */
function subject(text: string | undefined): string | undefined {
	if (text === undefined || text.startsWith("wharf.")) return text;
	if (!/^[a-z]+(\.[a-z]+)?$/.test(text)) {
		throw syntaxFaults.INVALID_VALUE({
			what: "The filter",
			value: text,
			allowed: "a noun, a noun.action, or a subject wharf.v1.…",
		});
	}
	return `wharf.v1.${text}${text.includes(".") ? "" : ".>"}`;
}

async function untilSilent(heard: () => number, signal: AbortSignal): Promise<void> {
	let before = -1;
	while (before !== heard() && !signal.aborted) {
		before = heard();
		await sleep(SILENCE_MS, undefined, { signal }).catch(() => undefined);
	}
}
