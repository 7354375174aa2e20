/** Netlink sockets as descriptors: opening them, and their options. */
import { closeSync } from "node:fs";
import { checked, isErrno, pointerTo } from "../libc.ts";
import { inNetnsOrHere } from "../netns.ts";

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
/** By whether the limits of net.core are to be passed, which takes CAP_NET_ADMIN. */
const BUFFERS = { send: { plain: 7, force: 32 }, receive: { plain: 8, force: 33 } } as const;
/** `struct sockaddr_nl`: family, padding, port id, groups. */
const ADDRESS_BYTES = 12;
const PORT_OFFSET = 4;

const socket = checked<[domain: number, type: number, protocol: number]>(
	"int socket(int domain, int type, int protocol)",
);
const connect = checked<[fd: number, address: Uint8Array, length: number]>(
	"int connect(int fd, const void *address, uint32_t length)",
);
const getsockname = checked<[fd: number, address: Uint8Array, length: Uint8Array]>(
	"int getsockname(int fd, void *address, void *length)",
);
const setsockopt = checked<[fd: number, level: number, name: number, value: Uint8Array, length: number]>(
	"int setsockopt(int fd, int level, int name, const void *value, uint32_t length)",
);

/** A socket in the namespace at `netns`, or in the thread's own. Connected to the kernel, it takes nothing from other processes. */
export function openDescriptor(protocol: number, netns: string | undefined): number {
	const fd = inNetnsOrHere(netns, () => socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol));
	try {
		const kernel = Buffer.alloc(ADDRESS_BYTES); // port id 0
		kernel.writeUInt16LE(AF_NETLINK, 0);
		connect(fd, kernel, kernel.length);
		return fd;
	} catch (error) {
		closeSync(fd);
		throw error;
	}
}

/** The socket's own port id: unique among the namespace's sockets of its protocol. */
export function portIdOf(fd: number): number {
	const address = Buffer.alloc(ADDRESS_BYTES);
	const length = Buffer.alloc(4);
	length.writeUInt32LE(address.length);
	getsockname(fd, address, length);
	return address.readUInt32LE(PORT_OFFSET);
}

/** Who may only look (ipamd reads routes without any capability) gets what the limits of net.core allow. */
export function setBuffer(fd: number, which: keyof typeof BUFFERS, sizeBytes: number): void {
	const option = BUFFERS[which];
	try {
		setInteger(fd, SOL_SOCKET, option.force, sizeBytes);
	} catch (error) {
		if (!isErrno(error, "EPERM")) throw error;
		setInteger(fd, SOL_SOCKET, option.plain, sizeBytes);
	}
}

/** One instruction of classic BPF, `struct sock_filter`. */
export type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];
const INSTRUCTION_BYTES = 8;

/** Of what comes from now on only what the program accepts is queued; to drop the rest wakes nobody. */
export function attachFilter(fd: number, program: readonly Instruction[]): void {
	const instructions = Buffer.alloc(program.length * INSTRUCTION_BYTES);
	for (const [index, [code, ifTrue, ifFalse, value]] of program.entries()) {
		const at = index * INSTRUCTION_BYTES;
		instructions.writeUInt16LE(code, at);
		instructions.writeUInt8(ifTrue, at + 2);
		instructions.writeUInt8(ifFalse, at + 3);
		instructions.writeUInt32LE(value, at + 4);
	}
	// struct sock_fprog: the number of instructions, and where they are.
	const whole = Buffer.alloc(16);
	whole.writeUInt16LE(program.length, 0);
	whole.writeBigUInt64LE(pointerTo(instructions), 8);
	setOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, whole);
}

export function setInteger(fd: number, level: number, name: number, value: number): void {
	const buffer = Buffer.alloc(4);
	buffer.writeInt32LE(value);
	setOption(fd, level, name, buffer);
}

export function setOption(fd: number, level: number, name: number, value: Uint8Array): void {
	setsockopt(fd, level, name, value, value.length);
}
