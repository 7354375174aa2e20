/** Ports of the host in the model. */
import { Ip } from "#lib/address/ip.ts";
import { faults } from "../../faults.ts";
import type { State } from "./state.ts";
import type { HostPortRequest, HostPorts, Reservation } from "../host-ports.ts";

const FIRST_FREE = 32_768;

export class ModelHostPorts implements HostPorts {
	/** The host's own addresses. */
	readonly addresses = ["127.0.0.1", "192.0.2.1", "2001:db8::1"];
	/** Other programs' ports: `tcp 8080` by the program's name. */
	readonly programs = new Map<string, string>();
	readonly #held = new Set<HostPortRequest>();
	readonly #lacking: ReadonlySet<string>;

	/** `lacking`: what the kernel does not have, transports among it. */
	constructor({ lacking }: Pick<State, "lacking">) {
		this.#lacking = lacking;
	}

	reserve(request: HostPortRequest): Reservation | undefined {
		const { protocol, address } = request;
		if (this.#lacking.has(protocol)) throw faults.PROTOCOL_UNSUPPORTED({ protocol }, { field: "ports" });
		if (address.value !== 0n && !this.addresses.some((text) => Ip.parse(text).equals(address))) {
			throw faults.NOT_A_HOST_ADDRESS({ address: address.toString() }, { field: "ports" });
		}
		const port = request.port === 0 ? this.#free(request) : request.port;
		const wanted = { protocol, address, port };
		if (this.#isTaken(wanted)) return undefined;
		this.#held.add(wanted);
		return { port, [Symbol.dispose]: () => void this.#held.delete(wanted) };
	}

	holder({ protocol, port }: HostPortRequest): string | undefined {
		return this.programs.get(`${protocol} ${port}`);
	}

	reserved(): string[] {
		return [...this.#held].map(({ protocol, address, port }) => `${protocol} ${address} ${port}`).sort();
	}

	#free({ protocol, address }: HostPortRequest): number {
		let port = FIRST_FREE;
		while (this.#isTaken({ protocol, address, port })) port += 1;
		return port;
	}

	/** An address and the wildcard of its family exclude each other, as bound sockets do. */
	#isTaken({ protocol, address, port }: HostPortRequest): boolean {
		if (this.programs.has(`${protocol} ${port}`)) return true;
		return [...this.#held].some(
			(held) =>
				held.protocol === protocol &&
				held.port === port &&
				held.address.family === address.family &&
				(held.address.value === 0n || address.value === 0n || held.address.equals(address)),
		);
	}
}
