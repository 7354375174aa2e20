/** Capabilities of a thread: capabilities(7), capset(2). */
import { checked } from "./libc.ts";

/** <linux/capability.h>. */
const NUMBERS = {
	chown: 0,
	dac_override: 1,
	dac_read_search: 2,
	fowner: 3,
	fsetid: 4,
	sys_ptrace: 19,
	sys_admin: 21,
	setfcap: 31,
} as const;

export type Capability = keyof typeof NUMBERS;

const VERSION_3 = 0x20080522;

const capset = checked<[header: Uint8Array, data: Uint8Array]>("int capset(void *header, const void *data)");
const capget = checked<[header: Uint8Array, data: Uint8Array]>("int capget(void *header, void *data)");

/** The calling thread gives all others up for good, and of these has those that it had; other threads keep theirs. */
export function keepCapabilities(kept: readonly Capability[]): void {
	const header = Buffer.alloc(8);
	header.writeUInt32LE(VERSION_3, 0);
	// Two structures of effective, permitted and inheritable, 32 capabilities each.
	const data = Buffer.alloc(24);
	capget(header, data);
	const mask = kept.reduce((bits, name) => bits | (1 << NUMBERS[name]), 0) >>> 0;
	const had = data.readUInt32LE(4);
	data.fill(0);
	data.writeUInt32LE((had & mask) >>> 0, 0);
	data.writeUInt32LE((had & mask) >>> 0, 4);
	capset(header, data);
}
