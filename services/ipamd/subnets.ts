/** Use cases of subnets. Nothing is answered before it is durable, and nothing overlaps what has been answered. */
import { randomBytes } from "node:crypto";
import { Cidr } from "#lib/address/cidr.ts";
import { type Family, Ip } from "#lib/address/ip.ts";
import { atField } from "#lib/fault/fault.ts";
import type { Page, PageRequest } from "#lib/rpc/page.ts";
import type { Statement, Store } from "#lib/store/store.ts";
import type { Book } from "./book.ts";
import type { Changes } from "./changes.ts";
import { isEverything, type Obstacle } from "./choice.ts";
import { subnetFact } from "./facts.ts";
import { ipamFaults } from "./faults.ts";
import { type HostNetwork, obstaclesOf } from "./host-network.ts";
import { checkRequested, checkSize, type LayoutRequest, planSubnet } from "./layout.ts";
import { LeaseRecords } from "./lease-records.ts";
import type { Usage } from "./pool.ts";
import type { Party, Space, Subnet } from "./subnet.ts";
import { type SubnetFilter, SubnetRecords } from "./subnet-records.ts";

/** Makes the statements that keep an answer under its request id. */
export type Keep<T> = (answer: T) => Statement[];

/** This range, or any of the pools', of a prefix length or of the pool's own. */
export type Wish =
	| { readonly kind: "this"; readonly cidr: Cidr }
	| { readonly kind: "any"; readonly family: Family; readonly prefix: number | undefined };

export interface SubnetRequest extends Party, LayoutRequest {
	readonly space: Space;
	readonly wish: Wish;
}

export interface Allocated {
	readonly subnet: Subnet;
	/** What the caller should know, a sentence each. */
	readonly warnings: readonly string[];
}

export interface SubnetsOptions {
	readonly store: Store;
	readonly book: Book;
	readonly changes: Changes;
	readonly host: HostNetwork;
	readonly now: () => number;
}

/** A range, and what of the host's is in it, or around it. */
interface Chosen {
	readonly cidr: Cidr;
	readonly overlapping: readonly Obstacle[];
	readonly warnings: readonly string[];
}

export class Subnets {
	readonly #store: Store;
	readonly #book: Book;
	readonly #changes: Changes;
	readonly #host: HostNetwork;
	readonly #now: () => number;
	readonly #records: SubnetRecords;
	readonly #leases: LeaseRecords;

	constructor({ store, book, changes, host, now }: SubnetsOptions) {
		this.#store = store;
		this.#book = book;
		this.#changes = changes;
		this.#host = host;
		this.#now = now;
		this.#records = new SubnetRecords(store);
		this.#leases = new LeaseRecords(store);
	}

	async allocate(request: SubnetRequest, keep: Keep<Allocated>): Promise<Allocated> {
		const { wish, holder, owner, space } = request;
		refuseEarly(request);
		const obstacles = obstaclesOf(await this.#host.observe());
		// From here to `enter` nothing waits: two requests cannot choose the same.
		const { cidr, overlapping, warnings } =
			wish.kind === "this" ? this.#requested(wish.cidr, obstacles) : this.#chosen(wish, obstacles);
		const id = randomBytes(32).toString("hex");
		const createdAt = new Date(this.#now());
		const overlaps = overlapping.map((obstacle) => ({ cidr: obstacle.cidr, what: obstacle.what, since: createdAt }));
		const subnet = { id, holder, owner, space, ...planSubnet(cidr, request), createdAt, overlaps };
		const allocated = { subnet, warnings };

		using undo = new DisposableStack();
		const entry = this.#book.enter(subnet);
		undo.defer(() => this.#book.strike(entry));
		const statements = [this.#records.insert(entry), subnetFact("ACTION_ALLOCATED", subnet), ...keep(allocated)];
		await this.#store.write(statements, "ipamd.subnet.allocate");
		undo.move();
		entry.open = true;
		this.#changes.tell({ kind: "subnet", subnet });
		return allocated;
	}

	get(id: string): Subnet {
		return this.#book.get(id).subnet;
	}

	usage(id: string): Usage {
		return this.#book.get(id).pool.usage;
	}

	list(filter: SubnetFilter, page: PageRequest): Page<Subnet> {
		return this.#records.list(filter, page);
	}

	/** False when it was gone already. */
	async release({ id, holder }: { id: string; holder: string }, keep: Keep<boolean>): Promise<boolean> {
		const entry = this.#book.find(id);
		if (entry === undefined) return false;
		const { subnet } = entry;
		const name = `${subnet.cidr}`;
		if (subnet.holder !== holder) {
			throw ipamFaults.NOT_THE_HOLDER({ subnet: name, holder: subnet.holder, asked: holder });
		}
		const { leased } = entry.pool;
		if (leased > 0) {
			const owners = this.#leases.ownersOf(entry, leased);
			throw ipamFaults.SUBNET_IN_USE({ subnet: name, count: `${leased}`, owners });
		}

		using undo = new DisposableStack();
		entry.open = false;
		undo.defer(() => {
			entry.open = true;
		});
		const statements = [this.#records.delete(entry.row), subnetFact("ACTION_RELEASED", subnet), ...keep(true)];
		await this.#store.write(statements, "ipamd.subnet.release");
		undo.move();
		this.#book.strike(entry);
		this.#changes.tell({ kind: "releasedSubnet", subnet });
		return true;
	}

	#requested(cidr: Cidr, obstacles: readonly Obstacle[]): Chosen {
		const other = this.#book.overlapping(cidr);
		if (other !== undefined) {
			const { holder, owner } = other;
			const metadata = { subnet: `${cidr}`, other: `${other.cidr}`, holder, owner };
			throw ipamFaults.SUBNET_OVERLAPS(metadata, { field: "cidr" });
		}
		const overlapping = obstacles.filter((obstacle) => !isEverything(obstacle.cidr) && obstacle.cidr.overlaps(cidr));
		const warnings = overlapping.map(
			({ what }) => `${cidr} overlaps ${what}: what is reached through that may become unreachable.`,
		);
		return { cidr, overlapping, warnings };
	}

	#chosen(wish: Wish & { kind: "any" }, obstacles: readonly Obstacle[]): Chosen {
		const { family, prefix } = wish;
		const choice = this.#book.chooser.choose(family, obstacles, prefix);
		if (choice === undefined) throw this.#exhausted(family, prefix, obstacles);
		const warnings = choice.inside.map(
			({ what }) => `${choice.cidr} lies inside ${what}; no other pool has a free subnet.`,
		);
		return { cidr: choice.cidr, overlapping: choice.inside, warnings };
	}

	#exhausted(family: Family, prefix: number | undefined, obstacles: readonly Obstacle[]): Error {
		const pools = this.#book.chooser.pools(family);
		const holders = new Map<string, number>();
		const subnets = this.#book.subnets(family);
		for (const { holder } of subnets) holders.set(holder, (holders.get(holder) ?? 0) + 1);
		const blocked = obstacles.filter(
			({ cidr }) => !isEverything(cidr) && pools.some(({ base }) => base.overlaps(cidr) && cidr.prefix >= base.prefix),
		);
		return ipamFaults.POOLS_EXHAUSTED({
			wanted: prefix === undefined ? `an IPv${family} subnet` : `an IPv${family} subnet of /${prefix}`,
			pools: pools.map(({ base, prefix: size }) => `${base} in /${size}`).join(", ") || "none, there are no such pools",
			allocated: `${subnets.length}`,
			holders: holders.size === 0 ? "" : ` (${[...holders].map(([holder, count]) => `${holder} ${count}`).join(", ")})`,
			blocked: blocked.length === 0 ? "nothing" : someOf(blocked.map(({ what }) => what)),
		});
	}
}

/** What can be refused before anybody is asked. */
function refuseEarly({ space, wish, range, gateway, auxiliary }: SubnetRequest): void {
	if (space === "global") throw ipamFaults.ADDRESS_SPACE_UNAVAILABLE({}, { field: "address_space" });
	if (wish.kind === "this") {
		atField("cidr", () => checkRequested(wish.cidr));
		return;
	}
	const field = range !== undefined ? "ip_range" : gateway !== undefined ? "gateway" : "auxiliary_addresses";
	if (range !== undefined || gateway !== undefined || auxiliary.size > 0)
		throw ipamFaults.SUBNET_REQUIRED({}, { field });
	const { family, prefix } = wish;
	if (prefix !== undefined) atField("cidr", () => checkSize(Cidr.of(Ip.of(family, 0n), prefix)));
}

const SHOWN = 5;

function someOf(texts: readonly string[]): string {
	const more = texts.length - SHOWN;
	return texts.slice(0, SHOWN).join(", ") + (more > 0 ? `, and ${more} more` : "");
}
