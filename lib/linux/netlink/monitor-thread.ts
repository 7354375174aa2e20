/**
 * The thread of a monitor: it sleeps inside the kernel until there is news, gathers it, posts it, and rests for a moment.
 *
 * It never returns to its loop, so nothing but the descriptor `stop` ends it. The sockets are its own to close.
 */
import { closeSync } from "node:fs";
import { parentPort, workerData } from "node:worker_threads";
import { checked, isErrno } from "../libc.ts";
import type { MonitorData } from "./monitor.ts";
import { Gathering } from "./monitor-news.ts";

const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const POLLIN = 1;
/** `struct pollfd`: descriptor, events, what happened. */
const POLLFD_BYTES = 8;
const FOREVER = -1;

/** Changes come in bursts: what follows within this time is told at once. Also the end of a change that was seen half. */
const SETTLE_MS = 10;
/** So often at most there is a message to the process, whatever the kernel has to tell. */
const REST_MS = 90;
/** No message of news comes near it; a longer one is cut off, and told as an overrun. */
const DATAGRAM_BYTES = 64 * 1024;

const poll = checked<[descriptors: Uint8Array, count: number, timeoutMs: number]>(
	"int poll(void *descriptors, unsigned long count, int timeout)",
);
const recv = checked<[fd: number, data: Uint8Array, length: number, flags: number]>(
	"long recv(int fd, void *data, size_t length, int flags)",
);

const { route, tables, stop, passedOver } = workerData as MonitorData; // what the monitor starts it with
const own = new Set(passedOver);
const received = Buffer.allocUnsafeSlow(DATAGRAM_BYTES);

/** Waits until one of `fds` has something, or for the time; false after the time. */
function waitFor(fds: readonly number[], timeoutMs: number): boolean {
	const descriptors = Buffer.alloc(fds.length * POLLFD_BYTES);
	for (const [index, fd] of fds.entries()) {
		descriptors.writeInt32LE(fd, index * POLLFD_BYTES);
		descriptors.writeInt16LE(POLLIN, index * POLLFD_BYTES + 4);
	}
	return poll(descriptors, fds.length, timeoutMs) > 0;
}

/** All that is queued. The kernel tells of an overrun once, and what is queued then is still there. */
function drain(fd: number, gathering: Gathering, add: (datagram: Buffer) => void): void {
	for (;;) {
		try {
			const length = recv(fd, received, received.length, MSG_DONTWAIT | MSG_TRUNC);
			if (length > received.length) gathering.overrun = true;
			else add(received.subarray(0, length));
		} catch (error) {
			if (isErrno(error, "EAGAIN")) return;
			if (!isErrno(error, "ENOBUFS")) throw error;
			gathering.overrun = true;
		}
	}
}

try {
	for (;;) {
		waitFor([route, tables, stop], FOREVER);
		if (waitFor([stop], SETTLE_MS)) break;
		const gathering = new Gathering();
		drain(route, gathering, (datagram) => gathering.addRoute(datagram));
		drain(tables, gathering, (datagram) => gathering.addTables(datagram, own));
		if (!gathering.isEmpty) parentPort?.postMessage(gathering.toNews());
		if (waitFor([stop], REST_MS)) break;
	}
} finally {
	for (const fd of [route, tables]) closeSync(fd);
}
