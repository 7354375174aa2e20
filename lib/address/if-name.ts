/** Names of network interfaces, as the kernel takes them (dev_valid_name in net/core/dev.c). */
import { addressFaults } from "./faults.ts";

declare const brand: unique symbol;

/** 1 to 15 bytes, no white space, no slash, no colon. */
export type IfName = string & { readonly [brand]: "IfName" };

/** IFNAMSIZ is 16 with the closing zero. */
const LONGEST_BYTES = 15;

/** Percent signs are refused as well: the kernel would take `eth%d` for a pattern and choose the number itself. */
// oxlint-disable-next-line no-control-regex -- control characters are what it is to find.
const FORBIDDEN = /[\s/:%\u0000-\u001f\u007f]/;

export function parseIfName(text: string): IfName {
	const bytes = Buffer.byteLength(text);
	if (bytes < 1 || bytes > LONGEST_BYTES || FORBIDDEN.test(text) || text === "." || text === "..") {
		throw addressFaults.INVALID_INTERFACE_NAME({ text });
	}
	return text as IfName; // checked above
}
