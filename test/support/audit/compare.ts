/** Two lists that should be one: what only one of them has becomes a sentence. */
export function compare(what: string, stored: Iterable<string>, found: Iterable<string>): string[] {
	const [expected, actual] = [new Set(stored), new Set(found)];
	return [
		...[...expected].filter((one) => !actual.has(one)).map((one) => `${what} ${one} is stored and not there`),
		...[...actual].filter((one) => !expected.has(one)).map((one) => `${what} ${one} is there and not stored`),
	];
}
