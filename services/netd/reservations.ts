/**
 * The ports of the host that netd keeps for its endpoints: each is backed by a bound socket, so that no other program takes it.
 *
 * A socket at every address and one at a single address of the same port exclude each other. Both may be published, though, so
 * one socket at every address stands for all of netd's publications at that port.
 */
import { type Family, Ip } from "#lib/address/ip.ts";
import { faults } from "./faults.ts";
import type { HostPortRequest, HostPorts, Reservation } from "./kernel/host-ports.ts";
import { type HostPort, hostPortKey, portText, type Protocol } from "./port.ts";

const EVERY = { 4: Ip.of(4, 0n), 6: Ip.of(6, 0n) } as const;
/** Of ports that are free for one family, how many may be taken for the other before that is an error. */
const DYNAMIC_ATTEMPTS = 64;

export class Reservations implements Disposable {
	readonly #ports: HostPorts;
	readonly #holderName: (port: HostPort) => string | undefined;
	/** By protocol, port and family. */
	readonly #slots = new Map<string, Slot>();

	/** `holderName`: which of our own endpoints has the port, for a sentence. */
	constructor(ports: HostPorts, holderName: (port: HostPort) => string | undefined) {
		this.#ports = ports;
		this.#holderName = holderName;
	}

	/**
	 * Reserves all of them, or none: Fault PORT_IN_USE, NOT_A_HOST_ADDRESS, NO_PORT_FREE. A port 0 becomes a free one.
	 * `families`: those in which ports of the host lead to the endpoint. A port in none of them needs nothing, and is success.
	 */
	reserve<P extends HostPort>(ports: readonly P[], families: readonly Family[]): P[] {
		const reserved: P[] = [];
		try {
			// What was asked for by number must not be lost to one that may be anything.
			for (const port of [...ports].sort((a, b) => Number(a.hostPort === 0) - Number(b.hostPort === 0))) {
				const isAny = port.hostPort === 0 && familiesOf(port, families).length > 0;
				reserved.push(isAny ? this.#reserveAny(port, families) : this.#reserveOne(port, families));
			}
		} catch (error) {
			this.release(reserved);
			throw error;
		}
		return reserved;
	}

	/** What is not reserved is passed over. */
	release(ports: readonly HostPort[]): void {
		for (const port of ports) {
			for (const family of [4, 6] as const) this.#slots.get(slotKey(port, family))?.remove(addressAt(port, family));
		}
	}

	isReserved(port: HostPort, families: readonly Family[]): boolean {
		return familiesOf(port, families).every(
			(family) => this.#slots.get(slotKey(port, family))?.has(addressAt(port, family)) === true,
		);
	}

	/** Gives everything up, as the end of the process would. */
	[Symbol.dispose](): void {
		for (const slot of [...this.#slots.values()]) slot[Symbol.dispose]();
		this.#slots.clear();
	}

	#reserveOne<P extends HostPort>(port: P, families: readonly Family[]): P {
		const taken: Family[] = [];
		for (const family of familiesOf(port, families)) {
			if (!this.#slot(port, family).add(addressAt(port, family))) {
				for (const other of taken) this.#slot(port, other).remove(addressAt(port, other));
				throw faults.PORT_IN_USE({ port: portText(port), holder: this.#holder(port, family) }, { field: "ports" });
			}
			taken.push(family);
		}
		return port;
	}

	/** The kernel chooses for the first family; the second has to have the same one free. */
	#reserveAny<P extends HostPort>(port: P, families: readonly Family[]): P {
		const [first = 4] = familiesOf(port, families);
		for (let attempt = 0; attempt < DYNAMIC_ATTEMPTS; attempt += 1) {
			const hostPort = this.#freePort(port.protocol, addressAt(port, first));
			if (hostPort === undefined) break;
			const chosen = { ...port, hostPort };
			if (this.#isFree(chosen, families)) return this.#reserveOne(chosen, families);
		}
		throw faults.NO_PORT_FREE({ protocol: port.protocol }, { field: "ports" });
	}

	#freePort(protocol: Protocol, address: Ip): number | undefined {
		using free = this.#ports.reserve({ protocol, address, port: 0 });
		return free?.port;
	}

	#isFree(port: HostPort, families: readonly Family[]): boolean {
		return familiesOf(port, families).every((family) => {
			const slot = this.#slots.get(slotKey(port, family));
			if (slot !== undefined && slot.size > 0) return false;
			using probe = this.#ports.reserve(requestOf(port, addressAt(port, family)));
			return probe !== undefined;
		});
	}

	#holder(port: HostPort, family: Family): string {
		const own = this.#holderName(port);
		if (own !== undefined) return own;
		return this.#ports.holder(requestOf(port, addressAt(port, family))) ?? "another program";
	}

	#slot(port: HostPort, family: Family): Slot {
		const key = slotKey(port, family);
		let slot = this.#slots.get(key);
		if (slot === undefined) {
			const { protocol, hostPort } = port;
			slot = new Slot(
				(address) => this.#ports.reserve({ protocol, address, port: hostPort }),
				() => this.#slots.delete(key),
			);
			this.#slots.set(key, slot);
		}
		return slot;
	}
}

/** One port of one protocol and family: which addresses of it are published, and the sockets that hold it. */
class Slot implements Disposable {
	readonly #bind: (address: Ip) => Reservation | undefined;
	readonly #emptied: () => void;
	readonly #published = new Map<string, Ip>();
	readonly #sockets = new Map<string, Reservation>();

	constructor(bind: (address: Ip) => Reservation | undefined, emptied: () => void) {
		this.#bind = bind;
		this.#emptied = emptied;
	}

	get size(): number {
		return this.#published.size;
	}

	has(address: Ip): boolean {
		return this.#published.has(address.toString());
	}

	/** False when another program has it, or one of ours has this very address. */
	add(address: Ip): boolean {
		if (this.has(address)) return false;
		try {
			if (!this.#cover(address)) return false;
			this.#published.set(address.toString(), address);
			return true;
		} finally {
			if (this.size === 0) this.#emptied();
		}
	}

	remove(address: Ip): void {
		if (!this.#published.delete(address.toString())) return;
		this.#close(address);
		// What the socket at every address stood for needs its own again; nobody else runs between the two.
		for (const left of this.#published.values()) this.#cover(left);
		if (this.size === 0) this.#emptied();
	}

	[Symbol.dispose](): void {
		for (const socket of this.#sockets.values()) socket[Symbol.dispose]();
		this.#sockets.clear();
	}

	#cover(address: Ip): boolean {
		if (this.#sockets.has(EVERY[address.family].toString()) || this.#sockets.has(address.toString())) return true;
		const single = address.value === 0n ? [...this.#published.values()] : [];
		for (const other of single) this.#close(other);
		const socket = this.#bind(address);
		if (socket !== undefined) this.#sockets.set(address.toString(), socket);
		else for (const other of single) this.#cover(other);
		return socket !== undefined;
	}

	#close(address: Ip): void {
		this.#sockets.get(address.toString())?.[Symbol.dispose]();
		this.#sockets.delete(address.toString());
	}
}

function familiesOf({ hostAddress }: HostPort, families: readonly Family[]): readonly Family[] {
	return hostAddress === undefined ? families : families.filter((family) => family === hostAddress.family);
}

function addressAt({ hostAddress }: HostPort, family: Family): Ip {
	return hostAddress?.family === family ? hostAddress : EVERY[family];
}

function slotKey({ protocol, hostPort }: HostPort, family: Family): string {
	return `${hostPortKey({ protocol, hostPort, hostAddress: undefined })}${family}`;
}

function requestOf({ protocol, hostPort }: { protocol: Protocol; hostPort: number }, address: Ip): HostPortRequest {
	return { protocol, address, port: hostPort };
}
