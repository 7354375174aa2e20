/**
 * Domain names in the form in which the hot path compares them: the bytes of the wire, one character each, in lower case,
 * without the root's zero byte. `web.frontend` is "\x03web\x08frontend".
 *
 * Two names are equal exactly when their keys are. A length byte is at most 63 and so never a letter: folding leaves it alone.
 */

export type NameKey = string & { readonly brand: "NameKey" };

const LABEL_BYTES = 63;
/** With the root's zero byte, RFC 1035 §2.3.4. */
export const NAME_BYTES = 255;

/** The wire's bytes of a name as one string; bytes above ASCII have no case and keep the whole name as it is (RFC 4343). */
export function keyOfWire(wire: string): NameKey {
	// oxlint-disable-next-line no-control-regex -- these are bytes, not text
	return (/^[\x00-\x7f]*$/.test(wire) ? wire.toLowerCase() : wire) as NameKey; // the one place that makes keys from bytes
}

/** The wire form of a dotted name with its case, root's zero byte included; undefined when it is no domain name. A closing dot is allowed. */
export function findWire(text: string): Buffer | undefined {
	const labels = (text.endsWith(".") ? text.slice(0, -1) : text).split(".");
	if (!labels.every((label) => /^[!-~]+$/.test(label) && label.length <= LABEL_BYTES)) return undefined;
	const wire = Buffer.concat([
		...labels.map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`, "latin1")),
		Buffer.of(0),
	]);
	return wire.length <= NAME_BYTES ? wire : undefined;
}

/** The key of a dotted name; undefined when it is no domain name. */
export function findKey(text: string): NameKey | undefined {
	const wire = findWire(text);
	return wire === undefined ? undefined : keyOfWire(wire.toString("latin1", 0, wire.length - 1));
}

/** True when `name` is `above` with at least one label before it. */
export function isBelow(name: NameKey, above: NameKey): boolean {
	const start = name.length - above.length;
	return start > 0 && name.endsWith(above) && isLabelStart(name, start);
}

/** The labels of `name` before `above`, which must be above it. */
export function labelsBefore(name: NameKey, above: NameKey): NameKey {
	return name.slice(0, name.length - above.length) as NameKey; // cut between labels, a key stays one
}

function isLabelStart(name: NameKey, index: number): boolean {
	let at = 0;
	while (at < index) at += name.charCodeAt(at) + 1;
	return at === index;
}
