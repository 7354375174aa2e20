/**
 * Names for calls: bytes that end with a zero byte, at an address that never changes, because giving a buffer to a call costs as much as
 * the call. A name is a string with a character a byte (`latin1`).
 */
import { FixedMemory } from "../libc.ts";

/** Longer than any path that the kernel takes, and the zero. */
const LONGEST = 4_097;

/** Room for one name at a time. */
export class NameBytes {
	readonly #memory = new FixedMemory(Buffer.alloc(LONGEST));

	/** Where the name is until the next one is put there. */
	of(name: string): number {
		const { bytes, address } = this.#memory;
		const length = Math.min(name.length, LONGEST - 1);
		for (let index = 0; index < length; index++) bytes[index] = name.charCodeAt(index);
		bytes[length] = 0;
		return address;
	}
}

/** For calls with one name. */
const only = new NameBytes();

export function nameAt(name: string): number {
	return only.of(name);
}
