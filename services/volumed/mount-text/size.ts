/** Sizes as flags and as tmpfs(5) have them, with units of 1024. */

const UNITS = ["", "k", "m", "g", "t", "p", "e"];
const MOST = 2n ** 63n - 1n;

/** As Docker's flags: `64m`, `1.5g`, `64MiB`, `65536`. Undefined: it is none. */
export function parseFlagSize(text: string): bigint | undefined {
	const [, number, unit = ""] = /^(\d{1,19}|\d{0,15}\.\d{1,15}) ?(?:([kmgtp])(?:i?b)?|b)?$/i.exec(text) ?? [];
	if (number === undefined) return undefined;
	const bytes = number.includes(".")
		? BigInt(Math.floor(Number(number) * Number(factor(unit))))
		: BigInt(number) * factor(unit);
	return bytes <= MOST ? bytes : undefined;
}

/** As the kernel reads it: `64m`, `65536`; not its octal and hexadecimal numbers. Undefined: it is none. */
export function parseKernelSize(text: string): bigint | undefined {
	const [, number, unit = ""] = /^(0|[1-9]\d{0,18})([kmgtpe]?)$/i.exec(text) ?? [];
	if (number === undefined) return undefined;
	const size = BigInt(number) * factor(unit);
	return size <= MOST ? size : undefined;
}

function factor(unit: string): bigint {
	return 1024n ** BigInt(UNITS.indexOf(unit.toLowerCase()));
}
