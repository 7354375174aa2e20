/** The keys and values of a `--mount`, judged one by one; what they mean together is `mount-text.ts`'s. */
import { parseFields } from "./csv.ts";
import { ownersUnsaid } from "./owner-map.ts";
import { invalidMount, invalidOption, unknownOption } from "./refusals.ts";

/** A switch is on by itself, or has a value that says so; pairs come any number of times. */
const KEYS = {
	type: "value",
	source: "value",
	target: "value",
	readonly: "switch",
	consistency: "value",
	idmap: "value",
	"bind-propagation": "value",
	"bind-recursive": "value",
	"bind-create-src": "switch",
	"bind-nonrecursive": "switch",
	"volume-nocopy": "switch",
	"volume-driver": "value",
	"volume-subpath": "value",
	"volume-opt": "pairs",
	"volume-label": "pairs",
	"image-subpath": "value",
	"tmpfs-size": "value",
	"tmpfs-mode": "value",
} as const;
const ALIASES: ReadonlyMap<string, Key> = new Map([
	["src", "source"],
	["dst", "target"],
	["destination", "target"],
	["ro", "readonly"],
]);
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
	["1", true],
	["true", true],
	["0", false],
	["false", false],
]);

export type Key = keyof typeof KEYS;
type KeyOf<Kind> = { [K in Key]: (typeof KEYS)[K] extends Kind ? K : never }[Key];

/** Of a key that comes again the last value counts. */
export interface MountKeys {
	readonly given: ReadonlySet<Key>;
	value(key: KeyOf<"value">): string | undefined;
	isOn(key: KeyOf<"switch">): boolean;
	pairs(key: KeyOf<"pairs">): ReadonlyMap<string, string>;
}

/** Faults: INVALID_MOUNT, UNKNOWN_MOUNT_OPTION, INVALID_OPTION. */
export function parseMountKeys(text: string): MountKeys {
	const fields = text.trim();
	if (fields === "") throw invalidMount(text, "it is empty");
	const values = new Map<Key, string[]>();
	for (const field of parseFields(fields)) {
		const [key, value] = parseField(text, field);
		values.set(key, [...(values.get(key) ?? []), value]);
	}
	return {
		given: new Set(values.keys()),
		value: (key) => values.get(key)?.at(-1),
		isOn: (key) => BOOLEANS.get(values.get(key)?.at(-1) ?? "false") ?? false,
		pairs: (key) => new Map((values.get(key) ?? []).map(splitPair)),
	};
}

function parseField(text: string, field: string): [Key, string] {
	const at = field.indexOf("=");
	const [word, value] = at < 0 ? [field, undefined] : [field.slice(0, at), field.slice(at + 1)];
	if (word === "" && value === undefined) throw invalidMount(text, "one of its fields is empty");
	if (word !== word.trim()) throw invalidMount(text, `there are blanks around ${word.trim()}`);
	const key = keyOf(word.toLowerCase());
	if (key === undefined) throw unknownOption(text, word, [...Object.keys(KEYS), ...ALIASES.keys()]);
	if (value !== undefined && value.trim() === "") throw invalidMount(text, `the value of ${key} is empty`);
	if (value !== undefined && value !== value.trim())
		throw invalidMount(text, `there are blanks around the value of ${key}`);
	return [key, checked(text, key, value)];
}

/** The value, or what a switch means without one. */
function checked(text: string, key: Key, value: string | undefined): string {
	switch (KEYS[key]) {
		case "switch":
			if (BOOLEANS.has(value ?? "true")) return value ?? "true";
			throw invalidOption(key, value ?? "", "true, 1, false or 0");
		case "pairs":
			if (value?.startsWith("=") === true) throw invalidMount(text, `what ${key} gives has no name: ${key}=NAME=VALUE`);
			break;
		case "value":
	}
	if (value === undefined && key === "idmap") throw ownersUnsaid();
	if (value === undefined) throw invalidMount(text, `${key} needs a value: ${key}=…`);
	return value;
}

function keyOf(word: string): Key | undefined {
	const alias = ALIASES.get(word);
	// Whatever the table has is a key of it.
	return alias ?? (Object.hasOwn(KEYS, word) ? (word as Key) : undefined);
}

function splitPair(pair: string): [string, string] {
	const at = pair.indexOf("=");
	return at < 0 ? [pair, ""] : [pair.slice(0, at), pair.slice(at + 1)];
}
