/** The mode of a tmpfs's root. */

export const DEFAULT_TMPFS_MODE = 0o1777;
export const TMPFS_MODES = "an octal mode from 1 to 7777";

/** Undefined: it is none. */
export function parseTmpfsMode(text: string): number | undefined {
	return /^0*[1-7][0-7]{0,3}$/.test(text) ? Number.parseInt(text, 8) : undefined;
}
