/**
 * A message with the keys of its maps in order, so that equal requests have equal bytes.
 *
 * protobuf promises no order of map entries, and Go deliberately shuffles them: without this a retry could look like another request.
 * Serializers write fields by number, whatever order the object has.
 */
export function canonical<T>(value: T): T {
	if (Array.isArray(value)) return value.map(canonical) as T; // a list stays a list, a message a message
	if (!isPlain(value)) return value;
	const sorted = Object.keys(value)
		.sort()
		.map((key) => [key, canonical(value[key])]);
	return Object.fromEntries(sorted) as T;
}

function isPlain(value: unknown): value is Record<string, unknown> {
	return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}
