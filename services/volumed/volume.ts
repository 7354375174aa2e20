/** What a volume is, and which names and options one can have. */
import { volumeFaults } from "./faults.ts";

export type VolumeName = string & { readonly brand: "VolumeName" };

export interface Volume {
	readonly name: VolumeName;
	readonly driver: string;
	readonly options: ReadonlyMap<string, string>;
	readonly labels: ReadonlyMap<string, string>;
	readonly anonymous: boolean;
	readonly createdAt: Date;
}

/** A volume and who uses it. */
export interface ListedVolume extends Volume {
	readonly containerIds: readonly string[];
}

/** What a new volume is to be. */
export interface VolumeSpec {
	/** Undefined: 64 hexadecimal digits are made up. */
	readonly name: VolumeName | undefined;
	readonly driver: string;
	readonly options: ReadonlyMap<string, string>;
	readonly labels: ReadonlyMap<string, string>;
}

export const LOCAL = "local";
const LONGEST_NAME = 128;

/** Docker's rule for names of local volumes, and no longer than other names of wharf. Fault: INVALID_NAME. */
export function parseVolumeName(text: string): VolumeName {
	const problem = nameProblem(text);
	if (problem !== undefined) throw volumeFaults.INVALID_NAME({ name: text.slice(0, 200), problem }, { field: "name" });
	return text as VolumeName; // checked just now
}

function nameProblem(text: string): string | undefined {
	if (text.length < 2) return "it is too short";
	if (text.length > LONGEST_NAME) return `it has more than ${LONGEST_NAME} characters`;
	if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text)) return undefined;
	return /^[^a-zA-Z0-9]/.test(text) ? "it does not begin with a letter or a digit" : "it has other characters";
}

/** Faults: UNKNOWN_DRIVER, UNKNOWN_OPTION. */
export function checkDriver(driver: string, options: ReadonlyMap<string, string>): void {
	if (driver !== LOCAL) throw volumeFaults.UNKNOWN_DRIVER({ driver, known: LOCAL }, { field: "driver" });
	const [option] = options.keys();
	if (option !== undefined) {
		throw volumeFaults.UNKNOWN_OPTION({ driver, option, known: "it has none" }, { field: "options" });
	}
}

/** What is different from what is asked, in words; undefined when nothing is. */
export function differenceOf(volume: Volume, asked: VolumeSpec): string | undefined {
	if (volume.driver !== asked.driver) return `the driver ${volume.driver} and not ${asked.driver}`;
	return mapDifference("option", volume.options, asked.options) ?? mapDifference("label", volume.labels, asked.labels);
}

function mapDifference(
	what: string,
	there: ReadonlyMap<string, string>,
	asked: ReadonlyMap<string, string>,
): string | undefined {
	for (const [key, value] of there) {
		const wanted = asked.get(key);
		if (wanted === undefined) return `the ${what} ${key}=${value}, which was not asked for`;
		if (wanted !== value) return `the ${what} ${key}=${value} and not ${wanted}`;
	}
	for (const [key, value] of asked) if (!there.has(key)) return `no ${what} ${key}=${value}`;
	return undefined;
}
