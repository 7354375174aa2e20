/** What a volume is, and which names and options one can have. */
import { randomBytes } from "node:crypto";
import { volumeFaults } from "./faults.ts";

export type VolumeName = string & { readonly brand: "VolumeName" };

export interface Volume {
	readonly name: VolumeName;
	readonly driver: string;
	readonly options: ReadonlyMap<string, string>;
	readonly labels: ReadonlyMap<string, string>;
	readonly anonymous: boolean;
	readonly createdAt: Date;
	/** What its content lies on: its driver's own word. */
	readonly backing: string;
	/** Where its plugin has it while it is mounted; empty: the driver knows by itself. */
	readonly mountpoint: string;
}

/** A volume and who uses it. */
export interface ListedVolume extends Volume {
	readonly containerIds: readonly string[];
	/** Paths of this host. */
	readonly publishedAt: readonly string[];
}

/** How much is in a volume. */
export interface Amount {
	/** What it takes on the disk, the directory itself not counted. */
	readonly bytes: bigint;
	/** Names of files, directories and everything else below it. */
	readonly files: bigint;
}

/** A volume with what its driver and its content tell. */
export interface DescribedVolume extends ListedVolume {
	readonly place: string;
	readonly status: ReadonlyMap<string, string>;
	/** Undefined: not asked for, or not mounted now. */
	readonly usage: Amount | undefined;
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

/**
 * An empty directory and nothing else, which the disk takes back at a power cut with the intent to make it, or which is known for one.
 * What is more than that (a file system, a subvolume, what a plugin has) needs an intent that is there after it.
 */
export function isPlain({ backing }: Pick<Volume, "backing">): boolean {
	return backing === "directory" || backing === "mount";
}
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

const SECRET = /pass|secret|token|credential/i;
const SECRET_IN_WORDS = /((?:pass|password|credentials)=)[^,]*/gi;

/** As others may see them: of what is secret only that it is there. */
export function withoutSecrets(options: ReadonlyMap<string, string>): Map<string, string> {
	return new Map(
		[...options].map(([key, value]) => [key, SECRET.test(key) ? "***" : value.replace(SECRET_IN_WORDS, "$1***")]),
	);
}

export function newVolume({ name, driver, options, labels }: VolumeSpec, backing: string, now: number): Volume {
	const made = randomBytes(32).toString("hex") as VolumeName; // 64 letters and digits
	const anonymous = name === undefined;
	return { name: name ?? made, driver, options, labels, anonymous, createdAt: new Date(now), backing, mountpoint: "" };
}

/** One that is a directory and nothing else is known of it. */
export function plainVolume(name: VolumeName, now: number): Volume {
	return newVolume({ name, driver: LOCAL, options: new Map(), labels: new Map() }, "directory", now);
}

/** What is different from what is asked, in words; undefined when nothing is. */
export function differenceOf(volume: Volume, asked: Omit<VolumeSpec, "name">): string | undefined {
	if (volume.driver !== asked.driver) return `the driver ${volume.driver} and not ${asked.driver}`;
	return differenceOfOptions(volume, asked.options) ?? mapDifference("label", volume.labels, asked.labels);
}

export function differenceOfOptions(
	{ options }: Pick<Volume, "options">,
	asked: ReadonlyMap<string, string>,
): string | undefined {
	return mapDifference("option", options, asked, (key, value) => withoutSecrets(new Map([[key, value]])).get(key));
}

function mapDifference(
	what: string,
	there: ReadonlyMap<string, string>,
	asked: ReadonlyMap<string, string>,
	shown: (key: string, value: string) => string | undefined = (_, value) => value,
): string | undefined {
	for (const [key, value] of there) {
		const wanted = asked.get(key);
		if (wanted === undefined) return `the ${what} ${key}=${shown(key, value)}, which was not asked for`;
		if (wanted !== value) return `the ${what} ${key}=${shown(key, value)} and not ${shown(key, wanted)}`;
	}
	for (const [key, value] of asked) if (!there.has(key)) return `no ${what} ${key}=${shown(key, value)}`;
	return undefined;
}
