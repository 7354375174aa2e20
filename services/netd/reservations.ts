/**
 * The ports of the host that netd keeps for its endpoints: each is backed by a bound socket, so that no other program takes it.
 *
 * A socket at every address and one at a single address of the same port exclude each other. Both may be published, though, so
 * one socket at every address stands for all of netd's publications at that port.
 */
import { type Family, Ip } from "#lib/address/ip.ts";
import { faults } from "./faults.ts";
import type { HostPortRequest, HostPorts, Reservation } from "./kernel/host-ports.ts";
import { type HostPort, hostPortKey, type Port, portText, type Protocol } from "./port.ts";

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
	 * Reserves all of them, or none: Fault PORT_IN_USE, NOT_A_HOST_ADDRESS, NO_PORT_FREE, NO_PORT_OF_RANGE_FREE. A port 0 becomes a
	 * free one, and a range the lowest of it that is free.
	 * `families`: those in which ports of the host lead to the endpoint. A port in none of them needs nothing, and is success.
	 */
	reserve(ports: readonly Port[], families: readonly Family[]): Port[] {
		const reserved: Port[] = [];
		try {
			// What was asked for by number must not be lost to one that may be another, or anything.
			for (const port of [...ports].sort((a, b) => choicesOf(a) - choicesOf(b))) {
				const isAny = port.hostPort === 0 && familiesOf(port, families).length > 0;
				if (isAny) reserved.push(this.#reserveAny(port, families));
				else if (port.hostPortEnd !== undefined) reserved.push(this.#reserveOfRange(port, port.hostPortEnd, families));
				else reserved.push(this.#reserveOne(port, families));
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

	#reserveOne(port: Port, families: readonly Family[]): Port {
		const family = this.#take(port, families);
		if (family === undefined) return port;
		throw faults.PORT_IN_USE({ port: portText(port), holder: this.#holder(port, family) }, { field: "ports" });
	}

	#reserveOfRange(port: Port, last: number, families: readonly Family[]): Port {
		const { protocol, hostAddress, containerPort } = port;
		for (let { hostPort } = port; hostPort <= last; hostPort += 1) {
			const chosen = { protocol, hostAddress, hostPort, containerPort };
			if (this.#take(chosen, families) === undefined) return chosen;
		}
		const range = { first: String(port.hostPort), port: portText({ ...port, hostPort: last }) };
		throw faults.NO_PORT_OF_RANGE_FREE(range, { field: "ports" });
	}

	/** In all families, or in none: then one in which somebody has it. */
	#take(port: Port, families: readonly Family[]): Family | undefined {
		const taken: Family[] = [];
		for (const family of familiesOf(port, families)) {
			if (!this.#slot(port, family).add(addressAt(port, family))) {
				for (const other of taken) this.#slot(port, other).remove(addressAt(port, other));
				return family;
			}
			taken.push(family);
		}
		return undefined;
	}

	/** The kernel chooses for the first family; the second has to have the same one free. */
	#reserveAny(port: Port, families: readonly Family[]): Port {
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

/** How many ports of the host will do. */
function choicesOf({ hostPort, hostPortEnd }: Port): number {
	if (hostPort === 0) return Number.MAX_SAFE_INTEGER;
	return hostPortEnd === undefined ? 1 : hostPortEnd - hostPort + 1;
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
