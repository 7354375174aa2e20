/** `--volumes-from` as Docker has it: `CONTAINER`, `CONTAINER:ro` or `CONTAINER:rw`. */
import { syntaxFaults } from "./faults.ts";

export interface VolumesFromWish {
	readonly container: string;
	/** What is read-only there stays so without it. */
	readonly readOnly: boolean;
}

export function parseVolumesFrom(text: string): VolumesFromWish {
	const [, container, access] = /^([^:]+)(?::(ro|rw))?$/.exec(text) ?? [];
	if (container !== undefined) return { container, readOnly: access === "ro" };
	throw syntaxFaults.INVALID_VALUE(
		{ what: "--volumes-from", value: text, allowed: "CONTAINER, CONTAINER:ro or CONTAINER:rw" },
		{ field: "volumes_from" },
	);
}
