/** What the contract is shown on: a fresh host for each test, the kernel's own or the model's. */
import type { IpInterface } from "#lib/address/cidr.ts";
import type { IfName } from "#lib/address/if-name.ts";
import type { Kernel } from "../kernel.ts";
import type { HostNeighbour } from "../links.ts";

/** A fresh host for one test. */
export interface Subject extends Disposable {
	readonly kernel: Kernel;
	/** A path in netd's folder where a namespace may be made. */
	netnsPath(name: string): string;
	/** The addresses that have a default route of their own in a namespace. */
	sourceRules(netns: string): string[];
	/** A link of somebody else's, up. */
	addForeignLink(name: IfName): void;
	/** Docker's rules are written, or written again: with the policy DROP or ACCEPT, and a place for others' rules. */
	writeDockersRules(policy: "drop" | "accept"): void;
	/** The host has this address at one of them. */
	addAddress(name: IfName, address: IpInterface): void;
	/** Somebody writes for good who has an address at a link of the host's. */
	writeNeighbour(neighbour: HostNeighbour): void;
	/** The host's at a link, in order, as text. */
	addressesOf(name: IfName): string[];
	/** It has links of this kind, or this transport. */
	supports(kind: "dummy" | "802.1q" | "sctp"): boolean;
	/** Takes it away again, and what is on it. */
	removeForeignLink(name: IfName): void;
	/** A process of somebody else's in a namespace of its own, until its end. */
	foreignProcess(): Promise<ForeignProcess>;
	/** Where the host's own namespace is. */
	readonly hostPath: string;
}

export interface ForeignProcess {
	readonly pid: number;
	/** Of its namespace. */
	readonly path: string;
	end(): Promise<void>;
}

/** The host of the test that runs. */
export class Current {
	#subject: Subject | undefined;

	begin(subject: Subject): void {
		this.#subject = subject;
	}

	end(): void {
		this.#subject?.[Symbol.dispose]();
	}

	get subject(): Subject {
		if (this.#subject === undefined) throw new TypeError("no test runs");
		return this.#subject;
	}

	get kernel(): Kernel {
		return this.subject.kernel;
	}
}
