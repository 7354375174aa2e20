/**
 * Sockets made in another network namespace, and reservations of host ports.
 *
 * A socket belongs for ever to the namespace of the thread that made it, so one is made inside and used from anywhere.
 */
import { closeSync } from "node:fs";
import type { Ip } from "#lib/address/ip.ts";
import { AF_INET, AF_INET6 } from "./family.ts";
import { atCall, checked, pointerTo } from "./libc.ts";
import { inNetnsOrHere } from "./netns.ts";

const SOCK_STREAM = 1;
const SOCK_DGRAM = 2;
const IPPROTO_SCTP = 132;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_ATTACH_FILTER = 26;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;
const BACKLOG = 511;

/** Classic BPF, one `struct sock_filter`: "return 0 bytes", that is, drop. BPF_RET | BPF_K is 0x06. */
const DROP_ALL = Buffer.from([0x06, 0, 0, 0, 0, 0, 0, 0]);

const socket = checked<[domain: number, type: number, protocol: number]>(
	"int socket(int domain, int type, int protocol)",
);
const setsockopt = checked<[fd: number, level: number, name: number, value: Uint8Array, length: number]>(
	"int setsockopt(int fd, int level, int name, const void *value, uint32_t length)",
);
const bind = checked<[fd: number, address: Uint8Array, length: number]>(
	"int bind(int fd, const void *address, uint32_t length)",
);
const listen = checked<[fd: number, backlog: number]>("int listen(int fd, int backlog)");
const getsockname = checked<[fd: number, address: Uint8Array, length: Uint8Array]>(
	"int getsockname(int fd, void *address, void *length)",
);

export type Transport = "tcp" | "udp" | "sctp";

/** A bound UDP socket, non-blocking; the caller's to close, or to give to whoever serves it. Port 0 lets the kernel choose. */
export function openUdp(netns: string | undefined, address: Ip, port: number): number {
	return open(netns, "udp", address, port, () => {});
}

/** A listening TCP socket for `net.Server.listen({ fd })`, which owns it from then on. Port 0 lets the kernel choose. */
export function openTcpListener(netns: string | undefined, address: Ip, port: number): number {
	return open(netns, "tcp", address, port, (fd) => listen(fd, BACKLOG));
}

/** The port that the socket `fd` is bound to. */
export function boundPort(fd: number): number {
	const address = Buffer.alloc(SOCKADDR_IN6_BYTES);
	const length = Buffer.alloc(4);
	length.writeUInt32LE(address.length);
	getsockname(fd, address, length);
	return address.readUInt16BE(2);
}

export interface PortRequest {
	readonly transport: Transport;
	/** 0.0.0.0 and :: stand for every address of their own family only. */
	readonly address: Ip;
	/** 0 lets the kernel choose a free one. */
	readonly port: number;
	/** Default: the thread's own namespace. */
	readonly netns?: string | undefined;
}

/** A port that no other program can take until this is disposed of. What arrives at it is dropped unseen. */
export class PortReservation implements Disposable {
	readonly fd: number;
	readonly transport: Transport;
	readonly address: Ip;
	readonly port: number;

	constructor(fd: number, { transport, address, port }: PortRequest) {
		this.fd = fd;
		this.transport = transport;
		this.address = address;
		this.port = port === 0 ? boundPort(fd) : port;
	}

	[Symbol.dispose](): void {
		closeSync(this.fd);
	}
}

/**
 * Reserves a port; EADDRINUSE when another socket has it, EADDRNOTAVAIL when the address is not the machine's, EPROTONOSUPPORT when
 * the kernel has no such transport.
 *
 * The socket drops everything, so until the port is translated to a container a client sees a timeout, not a reset.
 */
export function reservePort(request: PortRequest): PortReservation {
	const { transport, address, port, netns } = request;
	const fd = open(
		netns,
		transport,
		address,
		port,
		(fd) => {
			// A stream listens, with the filter in place: two sockets with SO_REUSEADDR can bind one port, but only one can listen.
			if (transport !== "udp") listen(fd, 1);
		},
		dropAll,
	);
	return new PortReservation(fd, request);
}

function dropAll(fd: number): void {
	// struct sock_fprog: the number of instructions, and where they are.
	const program = Buffer.alloc(16);
	program.writeUInt16LE(1, 0);
	program.writeBigUInt64LE(pointerTo(DROP_ALL), 8);
	setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, program.length);
}

function open(
	netns: string | undefined,
	transport: Transport,
	address: Ip,
	port: number,
	afterBind: (fd: number) => void,
	beforeBind: (fd: number) => void = () => {},
): number {
	const type = transport === "udp" ? SOCK_DGRAM : SOCK_STREAM;
	const protocol = transport === "sctp" ? IPPROTO_SCTP : 0;
	const domain = address.family === 4 ? AF_INET : AF_INET6;
	const fd = inNetnsOrHere(netns, () => socket(domain, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol));
	try {
		// Connections of an earlier listener that are still in TIME_WAIT do not keep the port.
		if (transport === "tcp") setInteger(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		if (address.family === 6) setInteger(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
		beforeBind(fd);
		const name = encodeSocketAddress(address, port);
		atCall(`bind ${transport} ${address} port ${port}`, () => {
			bind(fd, name, name.length);
			afterBind(fd);
		});
		return fd;
	} catch (error) {
		closeSync(fd);
		throw error;
	}
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
function encodeSocketAddress(address: Ip, port: number): Buffer {
	const v4 = address.family === 4;
	const out = Buffer.alloc(v4 ? SOCKADDR_IN_BYTES : SOCKADDR_IN6_BYTES);
	out.writeUInt16LE(v4 ? AF_INET : AF_INET6, 0);
	out.writeUInt16BE(port, 2);
	out.set(address.toBytes(), v4 ? 4 : 8);
	return out;
}

function setInteger(fd: number, level: number, name: number, value: number): void {
	const buffer = Buffer.alloc(4);
	buffer.writeInt32LE(value);
	setsockopt(fd, level, name, buffer, buffer.length);
}
