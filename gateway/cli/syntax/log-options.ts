/** `--log-opt max-size=10m`, `--log-opt max-file=3`: Docker's words. */
import { suggestion } from "#lib/text/nearest.ts";
import { syntaxFaults } from "./faults.ts";
import { parsePairs } from "./pairs.ts";

const KNOWN = ["max-size", "max-file"];
const FACTORS: Readonly<Record<string, number>> = { "": 1, k: 1e3, m: 1e6, g: 1e9 };

export interface LogOptions {
	/** 0: no bound. */
	readonly maxSizeBytes: bigint | undefined;
	readonly maxFiles: number | undefined;
}

export function parseLogOptions(texts: readonly string[]): LogOptions {
	const pairs = parsePairs(texts, "The log option");
	for (const name of Object.keys(pairs)) {
		if (KNOWN.includes(name)) continue;
		const allowed = suggestion(name, KNOWN) ?? KNOWN.join(" or ");
		throw syntaxFaults.INVALID_VALUE({ what: "The log option", value: name, allowed });
	}
	return { maxSizeBytes: parseSize(pairs["max-size"]), maxFiles: parseFiles(pairs["max-file"]) };
}

/** Docker's `-1` is no bound. */
function parseSize(text: string | undefined): bigint | undefined {
	if (text === undefined) return undefined;
	if (text === "-1") return 0n;
	const [, number = "", unit = ""] = /^([1-9][0-9]{0,11})([kmg]?)b?$/i.exec(text) ?? [];
	if (number !== "") return BigInt(Number(number) * (FACTORS[unit.toLowerCase()] ?? 1));
	throw syntaxFaults.INVALID_VALUE({ what: "max-size", value: text, allowed: "as 500k, 10m, 1g, or -1 for no bound" });
}

function parseFiles(text: string | undefined): number | undefined {
	if (text === undefined) return undefined;
	if (/^[1-9][0-9]{0,2}$/.test(text)) return Number(text);
	throw syntaxFaults.INVALID_VALUE({ what: "max-file", value: text, allowed: "a number from 1 to 999" });
}
