/**
 * Where a name of an archive comes to lie: equal for equal places, byte for byte as latin1, without `.` and empty parts; the
 * root is empty. `..` is kept, for whoever refuses it.
 *
 * Undefined when nothing is left of it after what is to be dropped is: then it is left out.
 */
export function placeOf(path: string, dropped: Dropped = 0): string | undefined {
	if (typeof dropped === "string") return belowOf(partsOf(path), dropped);
	const stripped = strippedOf(path, dropped);
	return stripped === undefined ? undefined : partsOf(stripped);
}

/**
 * What is dropped of names: so many leading parts, where as GNU tar counts (`stripped_prefix_len`) the `.` of `./a` is a part; or the place of
 * a directory, with all that is not below it.
 */
export type Dropped = number | string;

function partsOf(path: string): string {
	const place = path.startsWith("./") ? path.slice(2) : path;
	if (!HAS_NO_PART.test(place)) return place;
	return place
		.split("/")
		.filter((part) => part !== "" && part !== ".")
		.join("/");
}

/** An empty part, or a `.`. Most names are without, and taking them apart takes longer than all else that is done with them. */
const HAS_NO_PART = /(?:^|\/)\.?(?:\/|$)/;

function belowOf(place: string, directory: string): string | undefined {
	if (place === directory) return "";
	return place.startsWith(`${directory}/`) ? place.slice(directory.length + 1) : undefined;
}

function strippedOf(path: string, strip: number): string | undefined {
	let rest = path.startsWith("/") ? path.replace(/^\/+/, "") : path;
	for (let count = 0; count < strip; count++) {
		const slash = rest.indexOf("/");
		if (slash < 0) return undefined;
		rest = rest.slice(slash).replace(/^\/+/, "");
	}
	return strip > 0 && rest === "" ? undefined : rest;
}
