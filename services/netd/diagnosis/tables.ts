/** How full the kernel's tables of connections and neighbours are: who comes when they are full is not served. */
import type { Fill } from "../kernel/host-facts.ts";
import { commandLine, type Finding } from "./finding.ts";
import type { Situation } from "./situation.ts";

const NEARLY = 0.9;

export function checkTables({ host }: Situation): Finding[] {
	return [
		...(host.conntrack === undefined ? [] : connections(host.conntrack)),
		...host.neighbours.flatMap(({ family, ...fill }) => neighbours(family, fill)),
	];
}

function connections({ entries, limit }: Fill): Finding[] {
	const setting = "net.netfilter.nf_conntrack_max";
	return nearlyFull({ entries, limit }, (severity) => ({
		severity,
		code: "CONNTRACK_FULL",
		sentence: `${entries} of ${limit} connections are tracked: those that begin when the table is full are dropped.`,
		advice: "Allow more of them; each takes some 300 bytes of memory.",
		commands: [commandLine("sysctl", "-w", `${setting}=${2 * limit}`)],
		metadata: { entries: String(entries), limit: String(limit), setting },
	}));
}

function neighbours(family: 4 | 6, { entries, limit }: Fill): Finding[] {
	const setting = `net.ipv${family}.neigh.default.gc_thresh`;
	return nearlyFull({ entries, limit }, (severity) => ({
		severity,
		code: "NEIGHBOURS_FULL",
		sentence: `The machine's table of IPv${family} neighbours has ${entries} of ${limit} entries: who is new when it is full is not reached.`,
		advice: "Allow more of them; the second is from when the kernel clears up, and the first how many it leaves alone.",
		commands: [
			commandLine("sysctl", "-w", `${setting}3=${4 * limit}`, `${setting}2=${2 * limit}`, `${setting}1=${limit}`),
		],
		metadata: { family: String(family), entries: String(entries), limit: String(limit), setting: `${setting}3` },
	}));
}

function nearlyFull({ entries, limit }: Fill, finding: (severity: Finding["severity"]) => Finding): Finding[] {
	if (entries < NEARLY * limit) return [];
	return [finding(entries >= limit ? "error" : "warning")];
}
