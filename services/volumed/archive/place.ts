/**
 * Where a name of an archive comes to lie: equal for equal places, byte for byte as latin1, without `.` and empty parts; the
 * root is empty. `..` is kept, for whoever refuses it.
 *
 * Undefined when nothing is left of it after `strip` leading parts were dropped: then tar leaves it out. As GNU tar counts
 * (`stripped_prefix_len`), the `.` of `./a` is a part.
 */
export function placeOf(path: string, strip = 0): string | undefined {
	const stripped = strippedOf(path, strip);
	if (stripped === undefined) return undefined;
	const place = stripped.startsWith("./") ? stripped.slice(2) : stripped;
	if (!HAS_NO_PART.test(place)) return place;
	return place
		.split("/")
		.filter((part) => part !== "" && part !== ".")
		.join("/");
}

/** An empty part, or a `.`. Most names are without, and taking them apart takes longer than all else that is done with them. */
const HAS_NO_PART = /(?:^|\/)\.?(?:\/|$)/;

function strippedOf(path: string, strip: number): string | undefined {
	let rest = path.startsWith("/") ? path.replace(/^\/+/, "") : path;
	for (let count = 0; count < strip; count++) {
		const slash = rest.indexOf("/");
		if (slash < 0) return undefined;
		rest = rest.slice(slash).replace(/^\/+/, "");
	}
	return strip > 0 && rest === "" ? undefined : rest;
}
