/**
 * News of what changes in a network namespace, whoever changes it: links, addresses, routes, forwarding, neighbours that
 * somebody writes, and nf_tables.
 *
 * Node waits on no netlink socket, so the kernel sends a signal when one has something to read (`F_SETSIG` in fcntl(2)): no thread,
 * and no cost while nothing changes. News are a hint to look, not an account: they are gathered for some moments, and the last
 * word counts.
 */
import { closeSync } from "node:fs";
import { constants } from "node:os";
import { checked, isErrno } from "../libc.ts";
import { attachFilter, NETLINK_NETFILTER, NETLINK_ROUTE, openDescriptor, setBuffer, setInteger } from "./descriptor.ts";
import { Gathering, type News, WRITTEN_NEIGHBOURS } from "./monitor-news.ts";

const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const MSG_TRUNC = 0x20;
const MSG_DONTWAIT = 0x40;
const F_GETFL = 3;
const F_SETFL = 4;
const F_SETSIG = 10;
const F_SETOWN_EX = 15;
/** `struct f_owner_ex`: of what kind, and its number. The main thread's is the process's. */
const F_OWNER_TID = 0;
const O_ASYNC = 0o20000;
/** One that a process ignores unless it listens: what is on its way when the listening ends, ends nothing else. */
const SIGNAL = "SIGURG";

/** RTNLGRP_IPV4_IFADDR, IPV6_IFADDR, IPV4_ROUTE, IPV6_ROUTE. */
const ADDRESS_GROUPS = [5, 9, 7, 11];
/** RTNLGRP_LINK, NEIGH, IPV4_NETCONF, IPV6_NETCONF besides. */
const ROUTE_GROUPS = [1, 3, ...ADDRESS_GROUPS, 24, 25];
/** NFNLGRP_NFTABLES */
const TABLE_GROUPS = [7];
/** Some two thousand changes between two readings. Only what is queued takes memory. */
const QUEUE_BYTES = 8 * 1024 * 1024;
/** No message of news comes near it; a longer one is cut off, and told as an overrun. */
const DATAGRAM_BYTES = 64 * 1024;
/** So many are read at a time, some milliseconds, before others have their turn. */
const DATAGRAMS_AT_ONCE = 256;

/** Changes come in bursts: what follows within this time is told at once. Also the end of a change that was seen half. */
const SETTLE_MS = 10;
/** So often at most is it told, whatever the kernel has to tell. */
const REST_MS = 90;

const fcntl = checked<[fd: number, command: number, argument: number]>("int fcntl(int fd, int command, int argument)");
const setOwner = checked<[fd: number, command: number, owner: Uint8Array]>(
	"int fcntl(int fd, int command, const void *owner)",
);
const recv = checked<[fd: number, data: Uint8Array, length: number, flags: number]>(
	"long recv(int fd, void *data, size_t length, int flags)",
);

/** What is read is decoded before anything else can be, so one buffer serves all. */
const received = Buffer.allocUnsafeSlow(DATAGRAM_BYTES);

export interface MonitorOptions {
	/** The namespace that is watched; the process's own unless it is said. */
	readonly netns?: string | undefined;
	/** Port ids of netfilter sockets whose changes are not told. */
	readonly passedOver?: readonly number[];
	/** Called some ten times a second at most; never after the end. */
	readonly tell: (news: News) => void;
	/** There will be no more news: they could not be read. */
	readonly failed: (error: unknown) => void;
	/** What may wait to be read; the kernel doubles it. */
	readonly queueBytes?: number;
	/** Only addresses and routes are watched, also those that are added. Takes no capability. */
	readonly addressesOnly?: boolean;
}

export class Monitor implements Disposable {
	readonly #options: MonitorOptions;
	readonly #own: ReadonlySet<number>;
	readonly #route: number;
	readonly #tables: number | undefined;
	readonly #sockets: readonly number[];
	#gathering: Gathering;
	/** What comes next by itself; undefined while it listens for the signal. */
	#next: NodeJS.Timeout | undefined;
	#isOver = false;
	/** Any socket's, also another monitor's: then nothing is found, and nothing told. */
	readonly #heard = (): void => {
		if (this.#next === undefined) this.#guard(() => this.#settle());
	};

	private constructor(route: number, tables: number | undefined, options: MonitorOptions) {
		this.#options = options;
		this.#own = new Set(options.passedOver);
		this.#route = route;
		this.#tables = tables;
		this.#sockets = tables === undefined ? [route] : [route, tables];
		this.#gathering = this.#fresh();
		for (const fd of this.#sockets) {
			fcntl(fd, F_SETSIG, constants.signals[SIGNAL]);
			// To this thread alone: a call that waits on another one is not to be interrupted.
			setOwner(fd, F_SETOWN_EX, new Uint8Array(Int32Array.of(F_OWNER_TID, process.pid).buffer));
		}
		process.on(SIGNAL, this.#heard);
		this.#listen();
	}

	/** What changes from now on is told. Takes CAP_NET_ADMIN unless said otherwise; on the main thread only, which is the one that has signals. */
	static open(options: MonitorOptions): Monitor {
		const opened: number[] = [];
		const keep = (fd: number): number => {
			opened.push(fd);
			return fd;
		};
		const { netns, queueBytes = QUEUE_BYTES, addressesOnly = false } = options;
		const join = (fd: number, groups: readonly number[]): void => {
			setBuffer(fd, "receive", queueBytes);
			for (const group of groups) setInteger(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
		};
		try {
			const route = keep(openDescriptor(NETLINK_ROUTE, netns));
			const tables = addressesOnly ? undefined : keep(openDescriptor(NETLINK_NETFILTER, netns));
			attachFilter(route, WRITTEN_NEIGHBOURS);
			join(route, addressesOnly ? ADDRESS_GROUPS : ROUTE_GROUPS);
			if (tables !== undefined) join(tables, TABLE_GROUPS);
			return new Monitor(route, tables, options);
		} catch (error) {
			for (const fd of opened) closeSync(fd);
			throw error;
		}
	}

	/** Nothing is told from the call on. */
	[Symbol.dispose](): void {
		if (this.#isOver) return;
		this.#isOver = true;
		clearTimeout(this.#next);
		for (const fd of this.#sockets) closeSync(fd);
		process.off(SIGNAL, this.#heard);
	}

	/** The signal comes for what is queued from now on; what is queued already is looked for. */
	#listen(): void {
		this.#next = undefined;
		this.#signals(true);
		const more = this.#drain();
		if (more || !this.#gathering.isEmpty) this.#settle();
	}

	#fresh(): Gathering {
		return new Gathering({ additions: this.#options.addressesOnly ?? false });
	}

	#settle(): void {
		this.#signals(false);
		this.#after(SETTLE_MS, () => this.#read());
	}

	#read(): void {
		if (this.#drain()) return this.#after(0, () => this.#read());
		const news = this.#gathering;
		this.#gathering = this.#fresh();
		this.#after(REST_MS, () => this.#listen());
		if (!news.isEmpty) this.#options.tell(news);
	}

	/** Reads what is queued, within bounds; true when more may be. */
	#drain(): boolean {
		const gathering = this.#gathering;
		const route = drain(this.#route, gathering, (datagram) => gathering.addRoute(datagram));
		if (this.#tables === undefined) return route;
		const tables = drain(this.#tables, gathering, (datagram) => gathering.addTables(datagram, this.#own));
		return route || tables;
	}

	#signals(wanted: boolean): void {
		for (const fd of this.#sockets) {
			const flags = fcntl(fd, F_GETFL, 0);
			fcntl(fd, F_SETFL, wanted ? flags | O_ASYNC : flags & ~O_ASYNC);
		}
	}

	#after(pauseMs: number, body: () => void): void {
		this.#next = setTimeout(() => this.#guard(body), pauseMs).unref();
	}

	#guard(body: () => void): void {
		try {
			body();
		} catch (error) {
			this[Symbol.dispose]();
			this.#options.failed(error);
		}
	}
}

/** What is queued, in so far as it is not too much; then true. The kernel tells of an overrun once, and what is queued then is still there. */
function drain(fd: number, gathering: Gathering, add: (datagram: Buffer) => void): boolean {
	for (let count = 0; count < DATAGRAMS_AT_ONCE; count += 1) {
		try {
			const length = recv(fd, received, received.length, MSG_DONTWAIT | MSG_TRUNC);
			if (length > received.length) gathering.overrun = true;
			else add(received.subarray(0, length));
		} catch (error) {
			if (isErrno(error, "EAGAIN")) return false;
			if (!isErrno(error, "ENOBUFS")) throw error;
			gathering.overrun = true;
		}
	}
	return true;
}
