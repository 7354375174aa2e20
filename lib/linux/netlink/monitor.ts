/**
 * News of what changes in a network namespace, whoever changes it: links, addresses, routes, forwarding, and nf_tables.
 *
 * Node waits on no netlink socket, so a thread does (`monitor-thread.ts`): it sleeps inside the kernel and costs nothing while
 * nothing changes. News are a hint to look, not an account: they are gathered for some moments, and the last word counts.
 */
import { closeSync, writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { checked } from "../libc.ts";
import { NETLINK_NETFILTER, NETLINK_ROUTE, openDescriptor, setBuffer, setInteger } from "./descriptor.ts";
import type { News } from "./monitor-news.ts";

/** The sources and the bundle have it beside this file. */
const THREAD = new URL(
	import.meta.url.endsWith(".ts") ? "./monitor-thread.ts" : "./monitor-thread.js",
	import.meta.url,
);

const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const EFD_CLOEXEC = 0o2000000;

/** RTNLGRP_LINK, IPV4_IFADDR, IPV6_IFADDR, IPV4_ROUTE, IPV6_ROUTE, IPV4_NETCONF, IPV6_NETCONF. */
const ROUTE_GROUPS = [1, 5, 9, 7, 11, 24, 25];
/** NFNLGRP_NFTABLES */
const TABLE_GROUPS = [7];
/** Some two thousand changes between two readings. Only what is queued takes memory. */
const QUEUE_BYTES = 8 * 1024 * 1024;

const eventfd = checked<[initial: number, flags: number]>("int eventfd(unsigned int initial, int flags)");

export interface MonitorData {
	readonly route: number;
	readonly tables: number;
	/** Readable from when the thread shall end. */
	readonly stop: number;
	readonly passedOver: readonly number[];
}

export interface MonitorOptions {
	/** The namespace that is watched; the thread's own unless it is said. */
	readonly netns?: string | undefined;
	/** Port ids of netfilter sockets whose changes are not told. */
	readonly passedOver?: readonly number[];
	/** Called some ten times a second at most; never after the end. */
	readonly tell: (news: News) => void;
	/** There will be no more news: the thread failed. */
	readonly failed: (error: unknown) => void;
	/** What may wait to be read; the kernel doubles it. */
	readonly queueBytes?: number;
}

export class Monitor implements AsyncDisposable {
	readonly #worker: Worker;
	readonly #ended: Promise<unknown>;
	readonly #stop: number;
	#isOver = false;
	readonly #wake = (): void => {
		const one = Buffer.alloc(8);
		one.writeBigUInt64LE(1n);
		writeSync(this.#stop, one);
	};

	private constructor(data: MonitorData, { tell, failed }: MonitorOptions) {
		this.#stop = data.stop;
		// Without tracking, the descriptors that the thread is given are the process's.
		this.#worker = new Worker(THREAD, { workerData: data, trackUnmanagedFds: false, execArgv: [] });
		this.#ended = new Promise((resolve) => void this.#worker.once("exit", resolve));
		this.#worker.on("message", (news: News) => {
			if (!this.#isOver) tell(news);
		});
		this.#worker.once("error", failed);
		this.#worker.once("exit", () => {
			this.#isOver = true;
			process.off("exit", this.#wake);
			closeSync(data.stop);
		});
		this.#worker.unref();
		// A process that ends waits for its threads, and this one waits for the kernel.
		process.on("exit", this.#wake);
	}

	/** What changes from now on is told. Takes CAP_NET_ADMIN. */
	static open(options: MonitorOptions): Monitor {
		const opened: number[] = [];
		const keep = (fd: number): number => {
			opened.push(fd);
			return fd;
		};
		const { netns, passedOver = [], queueBytes = QUEUE_BYTES } = options;
		try {
			const route = keep(openDescriptor(NETLINK_ROUTE, netns));
			const tables = keep(openDescriptor(NETLINK_NETFILTER, netns));
			for (const fd of [route, tables]) setBuffer(fd, "receive", queueBytes);
			for (const group of ROUTE_GROUPS) setInteger(route, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
			for (const group of TABLE_GROUPS) setInteger(tables, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, group);
			const stop = keep(eventfd(0, EFD_CLOEXEC));
			return new Monitor({ route, tables, stop, passedOver }, options);
		} catch (error) {
			for (const fd of opened) closeSync(fd);
			throw error;
		}
	}

	/** Resolves when the thread has ended; nothing is told from the call on. */
	async [Symbol.asyncDispose](): Promise<void> {
		if (!this.#isOver) {
			this.#isOver = true;
			this.#worker.ref();
			this.#wake();
		}
		await this.#ended;
	}
}
