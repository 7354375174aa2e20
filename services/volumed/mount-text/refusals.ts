/** What the grammars refuse in the same words. */
import type { Fault } from "#lib/fault/fault.ts";
import { suggestion } from "#lib/text/nearest.ts";
import { volumeFaults } from "../faults.ts";

/** Faults travel in headers, which have a bound. */
const LONGEST_QUOTE = 200;

/** `problem` ends the sentence "… is no mount:". */
export function invalidMount(text: string, problem: string): Fault {
	return volumeFaults.INVALID_MOUNT({ text: quote(text), problem });
}

/** Names the nearest of the known ones, unless it is known what was meant. */
export function unknownOption(text: string, option: string, known: Iterable<string>, meant?: string): Fault {
	const nearest = meant ?? suggestion(option.slice(0, LONGEST_QUOTE), known) ?? "";
	return volumeFaults.UNKNOWN_MOUNT_OPTION({ text: quote(text), option: quote(option), nearest });
}

/** `allowed` ends the sentence "… allowed is". */
export function invalidOption(option: string, value: string, allowed: string): Fault {
	return volumeFaults.INVALID_OPTION({ option, value: quote(value), allowed });
}

function quote(text: string): string {
	return text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text;
}
