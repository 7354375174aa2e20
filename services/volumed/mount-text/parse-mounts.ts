/** Mounts as command lines have them, to what they ask for: the one reader of Docker's grammars. Pure: nothing is looked up. */
import { Fault } from "#lib/fault/fault.ts";
import type { MountSpec } from "../attachment.ts";
import { volumeFaults } from "../faults.ts";
import type { MountGrammar, Surroundings } from "./grammar.ts";
import { parseMountText } from "./mount-text.ts";
import { invalidMount } from "./refusals.ts";
import { parseTmpfsText } from "./tmpfs-text.ts";
import { parseVolumeText } from "./volume-text.ts";

export interface MountTexts extends Surroundings {
	readonly texts: readonly { readonly grammar: MountGrammar; readonly text: string }[];
}

const PARSERS = { volume: parseVolumeText, mount: parseMountText, tmpfs: parseTmpfsText } as const;

/**
 * One for each text, in their order.
 *
 * Faults, each of the field `texts[i]`: INVALID_MOUNT, UNKNOWN_MOUNT_OPTION, INVALID_OPTION, INVALID_DESTINATION, INVALID_NAME,
 * DUPLICATE_DESTINATION.
 */
export function parseMounts({ texts, ...surroundings }: MountTexts): MountSpec[] {
	const seen = new Set<string>();
	return texts.map(({ grammar, text }, index) =>
		saidOf(`texts[${index}]`, () => {
			if (text.includes("\0")) throw invalidMount(text, "it has a zero byte");
			const spec = PARSERS[grammar](text, surroundings);
			const { destination } = spec;
			if (seen.has(destination)) throw volumeFaults.DUPLICATE_DESTINATION({ destination });
			seen.add(destination);
			return spec;
		}),
	);
}

/** Like `atField`, also of faults that name a field of their own: here the text is the only one. */
function saidOf<T>(field: string, body: () => T): T {
	try {
		return body();
	} catch (error) {
		if (!(error instanceof Fault)) throw error;
		const { code, reason, domain, message, help, metadata } = error;
		throw new Fault({ code, reason, domain, message, help, metadata, field });
	}
}
