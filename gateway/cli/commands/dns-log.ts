import { setTimeout as sleep } from "node:timers/promises";
import { ContainerServiceService } from "#gen/wharf/container/v1/container.ts";
import { DnsServiceService, WatchQueriesRequest, type WatchQueriesResponse } from "#gen/wharf/dns/v1/dns.ts";
import { isAway } from "#lib/rpc/faults.ts";
import { askerOf } from "../asker.ts";
import { isJson, jsonLines } from "../format.ts";
import { queryJson, QueryLines } from "../output/query-line.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";
import type { Terminal } from "../terminal.ts";

/** As long as a service takes that is started again. */
const RETRIES = 30;
const RETRY_MS = 200;

export default command({
	name: "dns log",
	summary: "Prints what containers ask, and what they are answered, as it happens, until Ctrl-C.",
	operands: "",
	minOperands: 0,
	maxOperands: 0,
	flags: {
		container: {
			kind: "list",
			short: "c",
			value: "CONTAINER",
			help: "Only what this one asks; one that is to be started, too",
		},
		name: { kind: "text", short: "n", value: "NAME", help: "Only this name and those below it, as example.com" },
		failed: { kind: "switch", help: "Only what failed (SERVFAIL), or was refused" },
		format: { kind: "text", value: "FORMAT", help: "`json`: one JSON object a line" },
	},
	examples: [
		["wharf dns log --container web", "what web asks"],
		["wharf dns log --failed --format json", "what nobody could answer, for a program"],
	],
	notes: [
		"The outcome is `local` for names of containers, `forwarded` or `cached` for other names, `absent` where nobody is called so and nobody else may be asked, and `refused` or `failed`.",
		"Nothing is stored: what was asked before is not shown. Where this is slower than the queries come, some are left out, and their number is said.",
		"Containers on no network of your own have no resolver of wharf's: what they ask is not seen here.",
	],
	async run({ flags, terminal }) {
		const print = isJson(flags.format) ? jsonPrinter(terminal) : linePrinter(terminal);
		const request = WatchQueriesRequest.fromPartial({
			owners: await idsOf(flags.container, terminal),
			suffix: flags.name ?? "",
			failuresOnly: flags.failed,
		});
		await follow(request, print, terminal);
		return 0;
	},
});

/** A container that is started again has another sandbox; its id stays. */
async function idsOf(containers: readonly string[], { paths }: Terminal): Promise<string[]> {
	using gateway = connect(paths, "gateway", ContainerServiceService);
	return await Promise.all(containers.map(async (name) => (await askerOf(gateway, name)).id));
}

type Printer = (parcel: WatchQueriesResponse) => Promise<void>;

/** The heads come with the first parcel, which is empty: from then on each query is seen. */
function linePrinter(terminal: Terminal): Printer {
	const lines = new QueryLines();
	let text = lines.head();
	return async ({ queries, lost }) => {
		text += queries.map((query) => lines.line(query)).join("");
		if (text !== "") await terminal.out(text);
		text = "";
		if (lost > 0n) await terminal.err(`Not shown, as they came too fast: ${lost}.\n`);
	};
}

function jsonPrinter(terminal: Terminal): Printer {
	return async ({ queries, lost }) => {
		const objects = [...queries.map(queryJson), ...(lost > 0n ? [{ Lost: Number(lost) }] : [])];
		await terminal.out(jsonLines(objects));
	};
}

/** Until it is interrupted. A resolver that restarts meanwhile is asked again, and what it was asked before that is lost. */
async function follow(request: WatchQueriesRequest, print: Printer, terminal: Terminal): Promise<void> {
	const signal = terminal.interruptible();
	using dnsd = connect(terminal.paths, "dnsd", DnsServiceService);
	let hasBegun = false;
	let attempts = 0;
	while (!signal.aborted) {
		try {
			for await (const parcel of dnsd.watchQueries(request, { signal })) {
				hasBegun = true;
				attempts = 0;
				await print(parcel);
			}
		} catch (error) {
			if (signal.aborted) return;
			if (!hasBegun || !isAway(error) || ++attempts > RETRIES) throw error;
			if (attempts === 1) await terminal.err("The resolver is away; what is asked meanwhile is not shown.\n");
			await sleep(RETRY_MS, undefined, { signal }).catch(() => undefined);
		}
	}
}
