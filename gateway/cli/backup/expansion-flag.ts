/** How much an archive may become that is read: a few KiB can be made that fill any disk. */
import { syntaxFaults } from "../syntax/faults.ts";

export const EXPANSION_FLAG = {
	"max-expansion": {
		kind: "text",
		value: "TIMES",
		help: "Let FILE, compressed, become so many times as long as it is, and not 500: only if you trust it",
	},
} as const;

const MOST = 2 ** 32 - 1;

/** 0: as usual. Fault: INVALID_VALUE. */
export function expansion(text: string | undefined): number {
	if (text === undefined) return 0;
	const times = Number(text);
	if (/^\d+$/.test(text) && times >= 1 && times <= MOST) return times;
	throw syntaxFaults.INVALID_VALUE({ what: "The expansion", value: text, allowed: `a whole number from 1 to ${MOST}` });
}
