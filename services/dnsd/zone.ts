/**
 * Who is called what, as an immutable value: each change gives a new zone that shares all that did not change.
 *
 * A sandbox sees the names of the networks that it is on and no others. A change costs what the changed sandbox has, not what
 * the zone has. Pure.
 */
import type { Ip } from "#lib/address/ip.ts";
import { findKey, findWire, isBelow, labelsBefore, type NameKey } from "./name.ts";
import { addressRecord, pointerRecord } from "./record.ts";
import { Table } from "./table.ts";

/** A sandbox as netd tells it. */
export interface Sandbox {
	readonly id: string;
	readonly netnsPath: string;
	readonly name: string;
	readonly owner: string;
	readonly hostname: string;
	/** 0: no resolver listens in it. */
	readonly resolverPort: number;
	/** Empty: the host's. */
	readonly dnsServers: readonly Ip[];
	readonly forwards: boolean;
	readonly legs: readonly Leg[];
}

/** A leg of a sandbox on a network that resolves names. */
export interface Leg {
	readonly endpointId: string;
	readonly networkId: string;
	readonly networkName: string;
	readonly addresses: readonly Ip[];
	readonly aliases: readonly string[];
	/** Names for its sandbox alone, each with the name of the sandbox on this network that it stands for; absent: none. */
	readonly links?: Readonly<Record<string, string>>;
}

/** What a name has: encoded records by type. */
export interface Records {
	readonly a: readonly Buffer[];
	readonly aaaa: readonly Buffer[];
	readonly ptr: readonly Buffer[];
}

/** What the zone knows of a name, as one sandbox sees it. `link`: it changes with another name, that of whom the sandbox is linked to. */
export type Found =
	| { readonly kind: "records"; readonly records: Records; readonly link?: true }
	/** Below `apex`, and nobody is called so: a network's name, or a link's own whose sandbox is not there. */
	| { readonly kind: "absent"; readonly apex: NameKey; readonly link?: true }
	/** A network of the asker's is called so: there are names below. */
	| { readonly kind: "network" }
	| { readonly kind: "elsewhere" };

interface Contribution extends Records {
	readonly endpointId: string;
}

interface Name extends Records {
	readonly contributions: readonly Contribution[];
}

interface Network {
	readonly names: Table<Name>;
	readonly legs: number;
}

interface Member {
	readonly sandbox: Sandbox;
	/** The networks it is on, in the order in which they are asked. */
	readonly networks: readonly Joined[];
	readonly hasLinks: boolean;
}

interface Joined {
	readonly id: string;
	readonly apex: NameKey | undefined;
	/** What each link's name stands for, as `sandboxKey`. */
	readonly links: ReadonlyMap<NameKey, NameKey>;
}

const SHORT_ID_DIGITS = 12;
const NETWORK: Found = { kind: "network" };
const ELSEWHERE: Found = { kind: "elsewhere" };

export class Zone {
	readonly #ttlSeconds: number;
	readonly #members: Table<Member>;
	readonly #networks: Table<Network>;

	private constructor(ttlSeconds: number, members: Table<Member>, networks: Table<Network>) {
		this.#ttlSeconds = ttlSeconds;
		this.#members = members;
		this.#networks = networks;
	}

	static empty(ttlSeconds: number): Zone {
		return new Zone(ttlSeconds, Table.empty(), Table.empty());
	}

	find(sandboxId: string): Sandbox | undefined {
		return this.#members.get(sandboxId)?.sandbox;
	}

	*sandboxes(): IterableIterator<Sandbox> {
		for (const member of this.#members.values()) yield member.sandbox;
	}

	/**
	 * What `key` is to a sandbox. A name on several of its networks is the one on the network whose name (then id) sorts first;
	 * a whole name goes before `name.network`, and a link of its own before both: that is its sandbox, or nothing.
	 */
	lookUp(sandboxId: string, key: NameKey): Found {
		const member = this.#members.get(sandboxId);
		if (member === undefined) return ELSEWHERE;
		const linked = member.hasLinks ? this.#lookUpLink(member, key) : undefined;
		if (linked !== undefined) return linked;
		for (const { id } of member.networks) {
			const records = this.#networks.get(id)?.names.get(key);
			if (records !== undefined) return { kind: "records", records };
		}
		let absent: Found = ELSEWHERE;
		for (const { id, apex } of member.networks) {
			if (apex === key) absent = NETWORK;
			if (apex === undefined || !isBelow(key, apex)) continue;
			const records = this.#networks.get(id)?.names.get(labelsBefore(key, apex));
			if (records !== undefined) return { kind: "records", records };
			absent = { kind: "absent", apex };
		}
		return absent;
	}

	/** The zone in which this sandbox is as given, whatever it was. */
	with(sandbox: Sandbox): Zone {
		const base = this.without(sandbox.id);
		let networks = base.#networks;
		for (const leg of sandbox.legs) networks = joined(networks, sandbox, leg, this.#ttlSeconds);
		const hasLinks = sandbox.legs.some(({ links = {} }) => Object.keys(links).length > 0);
		const member: Member = { sandbox, networks: networksOf(sandbox), hasLinks };
		return new Zone(this.#ttlSeconds, base.#members.with(sandbox.id, member), networks);
	}

	without(sandboxId: string): Zone {
		const member = this.#members.get(sandboxId);
		if (member === undefined) return this;
		let networks = this.#networks;
		for (const leg of member.sandbox.legs) networks = left(networks, member.sandbox, leg);
		return new Zone(this.#ttlSeconds, this.#members.without(sandboxId), networks);
	}

	/** Undefined: none of its links is called so. */
	#lookUpLink({ networks }: Member, key: NameKey): Found | undefined {
		const whole = networks.map(({ id, links }) => ({ id, target: links.get(key) }));
		const below = networks.map(({ id, apex, links }) => ({
			id,
			target: apex !== undefined && isBelow(key, apex) ? links.get(labelsBefore(key, apex)) : undefined,
		}));
		let absent: Found | undefined;
		for (const { id, target } of [...whole, ...below]) {
			if (target === undefined) continue;
			const records = this.#networks.get(id)?.names.get(target);
			if (records !== undefined) return { kind: "records", records, link: true };
			absent = { kind: "absent", apex: key, link: true };
		}
		return absent;
	}
}

function networksOf(sandbox: Sandbox): Member["networks"] {
	const order = (a: Leg, b: Leg): number => compare(a.networkName, b.networkName) || compare(a.networkId, b.networkId);
	return sandbox.legs.toSorted(order).map((leg) => ({
		id: leg.networkId,
		apex: findKey(leg.networkName),
		links: linksOf(leg),
	}));
}

const NO_LINKS: Joined["links"] = new Map();

function linksOf({ links = {} }: Leg): Joined["links"] {
	const pairs = Object.entries(links).flatMap(([name, target]) => {
		const key = findKey(name);
		return key === undefined ? [] : [[key, sandboxKey(target)] as const];
	});
	return pairs.length === 0 ? NO_LINKS : new Map(pairs);
}

/** Under which a sandbox's own name is found, and nobody's alias: no question has it, since no label is so long. */
function sandboxKey(name: string): NameKey {
	return `\xff${name}` as NameKey;
}

function compare(a: string, b: string): number {
	if (a === b) return 0;
	return a < b ? -1 : 1;
}

/** What a leg is found by on its network: the container's name, its short id, its hostname, the leg's aliases, and as links find it. */
function forwardKeys(sandbox: Sandbox, leg: Leg): Set<NameKey> {
	const names = [sandbox.name, sandbox.owner.slice(0, SHORT_ID_DIGITS), sandbox.hostname, ...leg.aliases];
	const keys = names.map(findKey).filter((key) => key !== undefined);
	return new Set(sandbox.name === "" ? keys : [...keys, sandboxKey(sandbox.name)]);
}

function reverseKeys(leg: Leg): NameKey[] {
	return leg.addresses.map((ip) => findKey(ip.reverseName())).filter((key) => key !== undefined);
}

/** Every name under which a sandbox is known on its networks, without those of the networks. */
export function namesOf(sandbox: Sandbox): Set<NameKey> {
	return new Set(sandbox.legs.flatMap((leg) => [...forwardKeys(sandbox, leg), ...reverseKeys(leg)]));
}

/** What an address of the leg is called: `name.network`, or what of it is a domain name. */
function targetOf(sandbox: Sandbox, leg: Leg): Buffer | undefined {
	const candidates = [sandbox.name, sandbox.owner.slice(0, SHORT_ID_DIGITS)];
	for (const name of candidates) {
		const wire = findWire(`${name}.${leg.networkName}`) ?? findWire(name);
		if (wire !== undefined) return wire;
	}
	return undefined;
}

function joined(networks: Table<Network>, sandbox: Sandbox, leg: Leg, ttlSeconds: number): Table<Network> {
	const network = networks.get(leg.networkId) ?? { names: Table.empty<Name>(), legs: 0 };
	const { endpointId } = leg;
	const recordsOf = (family: 4 | 6): Buffer[] =>
		leg.addresses.filter((ip) => ip.family === family).map((ip) => addressRecord(ip, ttlSeconds));
	const addresses: Contribution = { endpointId, a: recordsOf(4), aaaa: recordsOf(6), ptr: [] };
	const target = targetOf(sandbox, leg);

	let { names } = network;
	for (const key of forwardKeys(sandbox, leg)) names = names.with(key, added(names.get(key), addresses));
	if (target !== undefined) {
		const pointer: Contribution = { endpointId, a: [], aaaa: [], ptr: [pointerRecord(target, ttlSeconds)] };
		for (const key of reverseKeys(leg)) names = names.with(key, added(names.get(key), pointer));
	}
	return networks.with(leg.networkId, { names, legs: network.legs + 1 });
}

function left(networks: Table<Network>, sandbox: Sandbox, leg: Leg): Table<Network> {
	const network = networks.get(leg.networkId);
	if (network === undefined) return networks;
	if (network.legs === 1) return networks.without(leg.networkId);
	let { names } = network;
	for (const key of [...forwardKeys(sandbox, leg), ...reverseKeys(leg)]) {
		const rest = names.get(key)?.contributions.filter(({ endpointId }) => endpointId !== leg.endpointId) ?? [];
		names = rest.length === 0 ? names.without(key) : names.with(key, nameOf(rest));
	}
	return networks.with(leg.networkId, { names, legs: network.legs - 1 });
}

function added(name: Name | undefined, contribution: Contribution): Name {
	const others = name?.contributions.filter(({ endpointId }) => endpointId !== contribution.endpointId) ?? [];
	return nameOf([...others, contribution]);
}

function nameOf(contributions: readonly Contribution[]): Name {
	return {
		contributions,
		a: contributions.flatMap(({ a }) => a),
		aaaa: contributions.flatMap(({ aaaa }) => aaaa),
		ptr: contributions.flatMap(({ ptr }) => ptr),
	};
}
