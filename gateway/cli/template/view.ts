/**
 * What templates see of an object that wharf prints as JSON: the same, typed as Docker's client has it.
 *
 * Docker's templates work on Go's types, which JSON does not tell: which objects are maps (a missing key is nil, not a
 * mistake), what an absent list or map is, and the names of the few fields that are called otherwise in Go.
 */
import { Fields, NIL_LIST, type Value } from "./value.ts";

const MAPS: ReadonlySet<string> = new Set([
	"AuxiliaryAddresses",
	"Containers",
	"Labels",
	"Metadata",
	"Networks",
	"Options",
	"PortBindings",
	"Ports",
	"Status",
	"Tmpfs",
	"Volumes",
]);
const LISTS: ReadonlySet<string> = new Set(["Binds", "Links", "VolumesFrom"]);
const NAMES_IN_GO: Readonly<Record<string, string>> = {
	ID: "Id",
	DNS: "Dns",
	DNSSearch: "DnsSearch",
	DNSOptions: "DnsOptions",
};

/** What `inspect` has. `.Volumes` of a container, as in documents of long ago, is its `.Config.Volumes`. */
export function inspectView(json: object): Fields {
	const { entries } = structOf(json);
	const config = entries.get("Config");
	const volumes = config instanceof Fields ? config.entries.get("Volumes") : undefined;
	const method = (name: string): Value | undefined => (name === "Volumes" ? volumes : inGo(entries, name));
	return new Fields(entries, { method });
}

/** A row of a list; `.Label "key"` is a label's value, or empty. */
export function rowView(json: object, labels: Readonly<Record<string, string>> = {}): Fields {
	const method = (name: string, [key]: readonly Value[]): Value | undefined => {
		if (name !== "Label" || typeof key !== "string") return undefined;
		return Object.hasOwn(labels, key) ? labels[key] : "";
	};
	return new Fields(structOf(json).entries, { method });
}

/** JSON's values as templates have them. Numbers are whole where they can be. */
export function valueOf(json: unknown): Value {
	if (typeof json === "number") return Number.isSafeInteger(json) ? BigInt(json) : json;
	if (Array.isArray(json)) return json.map(valueOf);
	if (typeof json === "object" && json !== null) return structOf(json);
	return typeof json === "string" || typeof json === "boolean" || typeof json === "bigint" ? json : null;
}

/** What is undefined is left out, as in JSON. */
function structOf(json: object): Fields {
	const fields = Object.entries(json).filter(([, value]) => value !== undefined);
	const entries = new Map(fields.map(([key, value]) => [key, fieldOf(key, value)] as const));
	return new Fields(entries, { method: (name) => inGo(entries, name) });
}

function fieldOf(key: string, json: unknown): Value {
	if (json === null && LISTS.has(key)) return NIL_LIST;
	if (!MAPS.has(key) || typeof json !== "object" || Array.isArray(json)) return valueOf(json);
	const entries = Object.entries(json ?? {}).map(([name, value]) => [name, valueOf(value)] as const);
	return new Fields(entries, { isMap: true, isNil: json === null });
}

function inGo(entries: ReadonlyMap<string, Value>, name: string): Value | undefined {
	return Object.hasOwn(NAMES_IN_GO, name) ? entries.get(NAMES_IN_GO[name] ?? "") : undefined;
}
