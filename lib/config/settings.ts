/**
 * Typed settings of a process, from the environment and from `<root>/wharf.json`; the environment wins.
 *
 * The file is one for the whole instance. A key is a path in it: `nats.servers` is `{ "nats": { "servers": … } }`, and
 * `WHARF_NATS_SERVERS` in the environment. An object named after a service is that service's own business.
 */
import { readFileSync } from "node:fs";
import { nearest } from "#lib/text/nearest.ts";
import { configFaults } from "./faults.ts";
import type { Parser } from "./parsers.ts";

/** Whose sections a file may have; a process looks into its own only. */
const SECTIONS = ["ipamd", "netd", "dnsd", "volumed", "gateway"] as const;

interface Setting<T> {
	/** `netd.linkMtu`: the words of WHARF_NETD_LINK_MTU, in lower case and camel case, a dot between levels. */
	readonly key: string;
	readonly parse: Parser<T>;
	/** What holds when nobody says anything; it is not parsed. */
	readonly default: T | undefined;
	/** One sentence for whoever sets it. */
	readonly doc: string;
	/** Its value is left out of errors. */
	readonly secret?: boolean;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a schema holds settings of different types; each is checked by itself.
export type Schema = Readonly<Record<string, Setting<any>>>;

/** A setting whose default is undefined may be undefined. */
export type SettingsOf<S extends Schema> = {
	readonly [K in keyof S]: S[K] extends { readonly parse: Parser<infer T>; readonly default: infer D } ? T | D : never;
};

export interface Sources<S extends Schema> {
	/** Variables WHARF_* that the schema does not have are other processes' and are ignored. */
	readonly env: Readonly<Record<string, string | undefined>>;
	/** The path of wharf.json; a file that is not there says nothing. */
	readonly file: string;
	readonly schema: S;
}

/** Faults: INVALID_SETTING, UNKNOWN_SETTING, INVALID_SETTINGS_FILE. */
export function readSettings<const S extends Schema>({ env, file, schema }: Sources<S>): SettingsOf<S> {
	const settings = Object.values(schema);
	const inFile = flatten(readFile(file), "", new Set(settings.map(({ key }) => key)), sectionsOf(settings));
	for (const key of inFile.keys()) {
		if (!settings.some((setting) => setting.key === key)) throw unknown(key, file, settings);
	}
	const values = Object.entries(schema).map(([name, setting]) => {
		const variable = variableOf(setting.key);
		const fromEnv = env[variable];
		// An empty variable is one that is not set: compose files and units cannot unset.
		if (fromEnv !== undefined && fromEnv !== "") return [name, parsed(setting, variable, fromEnv)] as const;
		if (inFile.has(setting.key))
			return [name, parsed(setting, `${setting.key} in ${file}`, inFile.get(setting.key))] as const;
		return [name, setting.default as unknown] as const;
	});
	// Object.fromEntries forgets which key has which value; the mapped type says it again.
	return Object.fromEntries(values) as SettingsOf<S>;
}

/** The variable of a key: `netd.linkMtu` is WHARF_NETD_LINK_MTU. */
export function variableOf(key: string): string {
	return `WHARF_${key
		.replace(/([a-z0-9])([A-Z])/g, "$1_$2")
		.replaceAll(".", "_")
		.toUpperCase()}`;
}

function parsed<T>({ parse, secret }: Setting<T>, setting: string, value: unknown): T {
	const result = parse.parse(value);
	if (result !== undefined) return result;
	const shown = secret === true ? "a secret that is not shown" : JSON.stringify(value);
	throw configFaults.INVALID_SETTING({ setting, value: shown, allowed: parse.allowed });
}

function readFile(file: string): Readonly<Record<string, unknown>> {
	let text: string;
	try {
		text = readFileSync(file, "utf8");
	} catch (error) {
		if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
		throw configFaults.INVALID_SETTINGS_FILE({ file, problem: (error as Error).message });
	}
	let value: unknown;
	try {
		value = JSON.parse(text);
	} catch (error) {
		throw configFaults.INVALID_SETTINGS_FILE({ file, problem: (error as Error).message }, { cause: error });
	}
	if (!isObject(value)) throw configFaults.INVALID_SETTINGS_FILE({ file, problem: "it holds no JSON object" });
	return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
	return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The sections of other services, which this schema says nothing about. */
function sectionsOf(settings: readonly Setting<unknown>[]): ReadonlySet<string> {
	return new Set(SECTIONS.filter((section) => !settings.some(({ key }) => key.startsWith(`${section}.`))));
}

/** The values of a file by their keys. A key of the schema ends the descent: its value may be an object. */
function flatten(
	object: Readonly<Record<string, unknown>>,
	prefix: string,
	keys: ReadonlySet<string>,
	foreign: ReadonlySet<string>,
): Map<string, unknown> {
	const values = new Map<string, unknown>();
	for (const [name, value] of Object.entries(object)) {
		const key = `${prefix}${name}`;
		if (foreign.has(key) && isObject(value)) continue;
		if (isObject(value) && !keys.has(key)) {
			for (const [inner, one] of flatten(value, `${key}.`, keys, foreign)) values.set(inner, one);
		} else {
			values.set(key, value);
		}
	}
	return values;
}

function unknown(key: string, file: string, settings: readonly Setting<unknown>[]): Error {
	const names = [...settings.map((setting) => setting.key), ...SECTIONS];
	return configFaults.UNKNOWN_SETTING({ setting: key, file, nearest: nearest(key, names) ?? "" });
}
