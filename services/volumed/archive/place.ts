/**
 * Where a name of an archive comes to lie: equal for equal places, byte for byte as latin1, without `.` and empty parts; the
 * root is empty. `..` is kept, for whoever refuses it.
 *
 * Undefined when nothing is left of it after `strip` leading parts were dropped: then tar leaves it out. As GNU tar counts
 * (`stripped_prefix_len`), the `.` of `./a` is a part.
 */
export function placeOf(path: string, strip = 0): string | undefined {
	const stripped = strippedOf(path, strip);
	return stripped
		?.split("/")
		.filter((part) => part !== "" && part !== ".")
		.join("/");
}

function strippedOf(path: string, strip: number): string | undefined {
	let rest = path.replace(/^\/+/, "");
	for (let count = 0; count < strip; count++) {
		const slash = rest.indexOf("/");
		if (slash < 0) return undefined;
		rest = rest.slice(slash).replace(/^\/+/, "");
	}
	return strip > 0 && rest === "" ? undefined : rest;
}
