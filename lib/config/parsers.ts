/**
 * From what an environment variable or a JSON file says to a typed value.
 *
 * A parser says in words what it takes; the words end up in the error.
 */
import { isAbsolute, normalize } from "node:path";
import { Fault } from "#lib/fault/fault.ts";

export interface Parser<T> {
	/** What is taken, to end the sentence "allowed is …". */
	readonly allowed: string;
	/** Gets a string from the environment, or a JSON value from the file. Undefined when it is refused. */
	readonly parse: (value: unknown) => T | undefined;
}

const UNIT_MS: ReadonlyMap<string, number> = new Map([
	["ms", 1],
	["s", 1_000],
	["m", 60_000],
	["h", 3_600_000],
	["d", 86_400_000],
]);

/** Any text but the empty one. */
export const string: Parser<string> = {
	allowed: "a text that is not empty",
	parse: (value) => (typeof value === "string" && value !== "" ? value : undefined),
};

export const boolean: Parser<boolean> = {
	allowed: "true or false",
	parse: (value) => {
		if (value === true || value === "true") return true;
		return value === false || value === "false" ? false : undefined;
	},
};

export function integer({ min, max }: { min: number; max: number }): Parser<number> {
	return {
		allowed: `a whole number from ${min} to ${max}`,
		parse: (value) => {
			const number = typeof value === "string" && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
			return typeof number === "number" && Number.isInteger(number) && number >= min && number <= max
				? number
				: undefined;
		},
	};
}

/** `250ms`, `5s`, `2m`, `1h`, `7d`; gives milliseconds. */
export function duration({ minMs = 0, maxMs = Number.MAX_SAFE_INTEGER } = {}): Parser<number> {
	const bounds = maxMs === Number.MAX_SAFE_INTEGER ? `at least ${minMs}ms` : `from ${minMs}ms to ${maxMs}ms`;
	return {
		allowed: `a duration as 250ms, 5s, 2m, 1h or 7d, ${bounds}`,
		parse: (value) => {
			const [, digits = "", unit = ""] = /^(\d{1,12})(ms|s|m|h|d)$/.exec(typeof value === "string" ? value : "") ?? [];
			const ms = Number(digits) * (UNIT_MS.get(unit) ?? Number.NaN);
			return ms >= minMs && ms <= maxMs ? ms : undefined;
		},
	};
}

export function oneOf<const T extends string>(values: readonly T[]): Parser<T> {
	return { allowed: values.join(", "), parse: (value) => values.find((one) => one === value) };
}

/** Separated by commas in the environment, an array in the file. */
export function list<T>(element: Parser<T>): Parser<readonly T[]> {
	return {
		allowed: `a list (a,b in the environment), each ${element.allowed}`,
		parse: (value) => {
			const parts: unknown = typeof value === "string" ? split(value) : value;
			if (!Array.isArray(parts)) return undefined;
			const parsed = parts.map((part) => element.parse(part));
			return parsed.every((one) => one !== undefined) ? parsed : undefined;
		},
	};
}

function split(text: string): string[] {
	return text.trim() === "" ? [] : text.split(",").map((part) => part.trim());
}

export const path: Parser<string> = {
	allowed: "an absolute path",
	parse: (value) =>
		typeof value === "string" && isAbsolute(value) && !value.includes("\0") ? normalize(value) : undefined,
};

/** A parser of texts from elsewhere, as `Cidr.parse`: a Fault that it throws refuses the value. */
export function parsedBy<T>(allowed: string, parse: (text: string) => T): Parser<T> {
	return {
		allowed,
		parse: (value) => {
			if (typeof value !== "string") return undefined;
			try {
				return parse(value);
			} catch (error) {
				if (error instanceof Fault) return undefined;
				throw error;
			}
		},
	};
}
