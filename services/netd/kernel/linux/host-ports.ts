/** Reservations by bound sockets, and who has a port that could not be reserved, from /proc. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { Ip } from "#lib/address/ip.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { inNetnsOrHere } from "#lib/linux/netns.ts";
import { reservePort } from "#lib/linux/socket.ts";
import { faults } from "../../faults.ts";
import type { HostPortRequest, HostPorts, Reservation } from "../host-ports.ts";
import { refusal } from "./refusal.ts";

export class LinuxHostPorts implements HostPorts {
	readonly #host: string | undefined;

	constructor(host?: string) {
		this.#host = host;
	}

	reserve({ protocol, address, port }: HostPortRequest): Reservation | undefined {
		return refusal(`reserve port ${port}/${protocol} at ${address}`, () => {
			try {
				return reservePort({ transport: protocol, address, port, netns: this.#host });
			} catch (error) {
				if (isErrno(error, "EADDRINUSE")) return undefined;
				if (isErrno(error, "EADDRNOTAVAIL"))
					throw faults.NOT_A_HOST_ADDRESS({ address: address.toString() }, { field: "ports" });
				if (isErrno(error, "EPROTONOSUPPORT", "ESOCKTNOSUPPORT"))
					throw faults.PROTOCOL_UNSUPPORTED({ protocol }, { field: "ports" });
				throw error;
			}
		});
	}

	holder(request: HostPortRequest): string | undefined {
		const inode = this.#inodeOf(request);
		return inode === undefined ? undefined : processWith(`socket:[${inode}]`);
	}

	/**
	 * From the tables of proc_pid_net(5); a socket of either family at the port, at this address or at all of them. Those of SCTP are
	 * elsewhere and otherwise: nobody is named.
	 */
	#inodeOf({ protocol, address, port }: HostPortRequest): string | undefined {
		if (protocol === "sctp") return undefined;
		const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
		for (const table of [protocol, `${protocol}6`]) {
			for (const line of this.#lines(`/proc/thread-self/net/${table}`)) {
				const fields = line.trim().split(/\s+/);
				const [ip = "", localPort] = (fields[1] ?? "").split(":");
				const listening = protocol === "udp" || fields[3] === "0A";
				if (localPort !== hexPort || !listening || !overlaps(decodeIp(ip), address)) continue;
				return fields[9];
			}
		}
		return undefined;
	}

	#lines(path: string): string[] {
		try {
			return inNetnsOrHere(this.#host, () => readFileSync(path, "utf8"))
				.split("\n")
				.slice(1);
		} catch (error) {
			if (isErrno(error, "ENOENT")) return [];
			throw error;
		}
	}
}

function overlaps(bound: Ip, asked: Ip): boolean {
	return bound.value === 0n || asked.value === 0n || bound.equals(asked);
}

/** Words of four bytes, each in the machine's order. */
function decodeIp(hex: string): Ip {
	return Ip.fromBytes(Buffer.from(hex, "hex").swap32());
}

function processWith(socket: string): string | undefined {
	for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
		try {
			const has = readdirSync(`/proc/${pid}/fd`).some((fd) => linkAt(`/proc/${pid}/fd/${fd}`) === socket);
			if (has) return `${readFileSync(`/proc/${pid}/comm`, "utf8").trim()} (process ${pid})`;
		} catch {
			// It ended while it was looked at.
		}
	}
	return undefined;
}

function linkAt(path: string): string | undefined {
	try {
		return readlinkSync(path);
	} catch {
		return undefined; // closed meanwhile
	}
}
