/** The packet rules through nf_tables: the skeleton by libnftables, everything else as elements by raw nfnetlink. */
import type { IfName } from "#lib/address/if-name.ts";
import type { Family } from "#lib/address/ip.ts";
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { ElementBatch, ElementBatchError } from "#lib/linux/nft/element-batch.ts";
import { NfTables } from "#lib/linux/nft/nf-tables.ts";
import { Nft } from "#lib/linux/nft/nft.ts";
import type { Log } from "#lib/log/log.ts";
import {
	type Busy,
	type Difference,
	type Firewall,
	isPublication,
	type NetworkRules,
	type Published,
	type Rules,
	type Shortcut,
} from "../firewall.ts";
import { ASK_RULES, Asking } from "./asking.ts";
import * as elements from "./elements.ts";
import type { Placed } from "./elements.ts";
import { refusal } from "./refusal.ts";
import { RULE_COUNTS, SKELETON, TABLE } from "./skeleton.ts";

export interface LinuxFirewallOptions {
	readonly log: Log;
	/** The namespace that plays the host; the process's own unless it is said. */
	readonly host?: string | undefined;
	/** Called when an operation found the tables gone. */
	readonly lost?: () => void;
	/** The host's own firewall is asked before a published port is reached from outside. */
	readonly asksHost?: boolean | undefined;
}

export class LinuxFirewall implements Firewall, Disposable {
	readonly #nft: Nft;
	readonly #tables: NfTables;
	readonly #log: Log;
	readonly #lost: () => void;
	readonly #asking: Asking;

	constructor({ log, host, lost = () => {}, asksHost = false }: LinuxFirewallOptions) {
		this.#nft = Nft.open(host);
		this.#tables = NfTables.open(host);
		this.#log = log;
		this.#lost = lost;
		this.#asking = new Asking(asksHost, this.#tables, host);
	}

	/** Of the socket by which elements are changed. */
	get portId(): number {
		return this.#tables.portId;
	}

	ensureSkeleton(): boolean {
		return refusal("make the packet rules", () => {
			if (this.#isWhole()) return false;
			this.#nft.run(SKELETON + this.#asking.prepare(this.#nft));
			killPoint("netd.rules.made");
			this.#asking.conclude();
			this.#log.change("rules.ensure", { table: "inet wharf" });
			return true;
		});
	}

	ensureNetwork(rules: NetworkRules): void {
		const wanted = elements.networkElements(rules);
		const places = new Set(wanted.map(elements.placeOf));
		const unwanted = this.#placesOf(rules.bridge).filter((placed) => !places.has(elements.placeOf(placed)));
		const add = wanted.filter((placed) => !this.#holdsSo(placed));
		const remove = unwanted.filter((placed) => this.#holds(placed));
		if (add.length + remove.length === 0) return;
		this.#change(`let ${rules.bridge} through the packet rules`, { add, remove });
		killPoint("netd.rules.network");
		this.#log.change("rules.network", { ...rules });
	}

	removeNetwork(bridge: IfName): void {
		const remove = this.#placesOf(bridge).filter((placed) => this.#holds(placed));
		if (remove.length === 0) return;
		this.#change(`take ${bridge} out of the packet rules`, { add: [], remove });
		killPoint("netd.rules.network-removed");
		this.#log.change("rules.network-remove", { bridge });
	}

	ensurePublished(publications: readonly Published[]): void {
		if (publications.length === 0) return;
		const add = this.#elementsOf(publications);
		this.#change("publish ports", { add, remove: [] });
		killPoint("netd.rules.published");
		this.#log.change("rules.publish", { ports: publications.length });
	}

	removePublished(publications: readonly Published[], kept: readonly Published[]): void {
		if (publications.length === 0) return;
		const keep = new Set(kept.map((one) => elements.placeOf(elements.shared(one))));
		const going = this.#elementsOf(publications);
		this.#change("unpublish ports", {
			add: [],
			remove: going.filter((placed) => !keep.has(elements.placeOf(placed))),
		});
		killPoint("netd.rules.unpublished");
		this.#log.change("rules.unpublish", { ports: publications.length });
	}

	ensureShortcuts(shortcuts: readonly Shortcut[]): void {
		if (shortcuts.length === 0) return;
		this.#change("mark shortcuts", { add: shortcuts.map(elements.shortcut), remove: [] });
		killPoint("netd.rules.shortcuts");
	}

	removeShortcuts(shortcuts: readonly Shortcut[]): void {
		if (shortcuts.length === 0) return;
		this.#change("unmark shortcuts", { add: [], remove: shortcuts.map(elements.shortcut) });
		killPoint("netd.rules.shortcuts-removed");
	}

	assert(rules: Rules, busy: Busy): Difference {
		return refusal("put the packet rules right", () => {
			const wanted = new Map(this.#allElements(rules).map((placed) => [elements.placeOf(placed), placed]));
			const present = new Map(this.#list().map((placed) => [elements.placeOf(placed), placed]));
			const stray = [...present]
				.filter(([place, placed]) => !sameElement(placed, wanted.get(place)) && !isBusy(placed, busy))
				.map(([, placed]) => placed);
			const missing = [...wanted]
				.filter(([place, placed]) => !sameElement(placed, present.get(place)) && !isBusy(placed, busy))
				.map(([, placed]) => placed);
			this.#commit(missing, stray);
			return { added: missing.map(elements.placeOf), removed: stray.map(elements.placeOf) };
		});
	}

	observe(): Rules {
		return refusal("read the packet rules", () => {
			const placed = this.#list();
			return {
				networks: observedNetworks(placed),
				publications: placed
					.map((one) => elements.decodeTranslation(one) ?? elements.decodeOpening(one))
					.filter((one) => one !== undefined),
				shortcuts: placed.map(elements.decodeShortcut).filter((shortcut) => shortcut !== undefined),
			};
		});
	}

	[Symbol.dispose](): void {
		this.#nft[Symbol.dispose]();
		this.#tables[Symbol.dispose]();
	}

	/** What is published, and before that what is asked about it. */
	#elementsOf(published: readonly Published[]): Placed[] {
		const asked = this.#asking.isWanted ? published.filter(isPublication).map(elements.asked) : [];
		return distinct([...asked, ...published.flatMap(elements.published)]);
	}

	#allElements({ networks, publications, shortcuts }: Rules): Placed[] {
		return distinct([
			...networks.flatMap(elements.networkElements),
			...this.#elementsOf(publications),
			...shortcuts.map(elements.shortcut),
		]);
	}

	/** Every chain with as many rules as it shall have: what others do to a table is to flush or to delete, rarely to edit. */
	#isWhole(): boolean {
		if (!this.#tables.hasTable(TABLE)) return false;
		const counts = new Map<string, number>();
		for (const entry of this.#nft.list("list table inet wharf", { elements: false })) {
			const { rule } = entry as { rule?: { chain: string } }; // libnftables-json(5)
			if (rule !== undefined) counts.set(rule.chain, (counts.get(rule.chain) ?? 0) + 1);
		}
		const isWhole = Object.entries(RULE_COUNTS).every(([chain, count]) => counts.get(chain) === count);
		return isWhole && (counts.get("ask") ?? 0) === (this.#asking.isWanted ? ASK_RULES : 0) && this.#asking.isWhole();
	}

	#list(): Placed[] {
		return elements.SETS.flatMap((set) =>
			this.#tables
				.list(set)
				.map(({ key, data }) => ({ set, key, data: data instanceof Uint8Array ? data : undefined })),
		);
	}

	/** Every place where a bridge is, or may be. */
	#placesOf(bridge: IfName): Placed[] {
		const set = elements.NETWORK_SETS.trusted;
		const beside = this.#tables.hasTable(TABLE) ? this.#tables.list(set).map(({ key }) => ({ set, key })) : [];
		return [
			...elements.networkPlaces(bridge),
			...beside.filter((placed) => elements.decodeTrusted(placed)?.bridge === bridge),
		];
	}

	#change(what: string, { add, remove }: { add: readonly Placed[]; remove: readonly Placed[] }): void {
		refusal(what, () => {
			try {
				this.#commit(add, remove);
			} catch (error) {
				if (!(error instanceof ElementBatchError) || !error.failures.some(({ missing }) => isContainer(missing)))
					throw error;
				this.ensureSkeleton();
				this.#commit(add, remove);
				this.#lost();
			}
		});
	}

	/** One transaction; what is absent need not be removed, and what has another datum is replaced. */
	#commit(add: readonly Placed[], remove: readonly Placed[]): void {
		try {
			this.#tables.commit(batchOf(add, remove));
		} catch (error) {
			if (!(error instanceof ElementBatchError) || error.failures.some(({ missing }) => isContainer(missing)))
				throw error;
			if (!isErrno(error.failures[0]?.error, "ENOENT", "EEXIST")) throw error;
			const replaced = add.filter((placed) => placed.data !== undefined && this.#holds(placed));
			this.#tables.commit(batchOf(add, [...remove.filter((placed) => this.#holds(placed)), ...replaced]));
		}
	}

	/** With the same datum. */
	#holdsSo({ set, key, data }: Placed): boolean {
		const datum = this.#tables.find(set, key);
		return (
			datum !== undefined && (data === undefined || (datum instanceof Uint8Array && Buffer.compare(datum, data) === 0))
		);
	}

	#holds({ set, key }: Placed): boolean {
		return this.#tables.find(set, key) !== undefined;
	}
}

/** Removals first: what is replaced is removed and added in one transaction, and no packet sees the moment between. */
function batchOf(add: readonly Placed[], remove: readonly Placed[]): ElementBatch {
	const batch = new ElementBatch();
	for (const { set, key } of remove) batch.remove(set, key);
	for (const { set, key, data } of add) batch.add(set, key, data);
	return batch;
}

function observedNetworks(placed: readonly Placed[]): NetworkRules[] {
	const inSet = (set: Placed["set"]): Set<IfName> =>
		new Set(placed.filter((one) => one.set === set).map(({ key }) => elements.decodeBridge(key)));
	const { bridges, internal, connected, separated } = elements.NETWORK_SETS;
	const [between, internals, neighbours] = [inSet(bridges), inSet(internal), inSet(connected)];
	const ofFamilies = (sets: Readonly<Record<Family, Placed["set"]>>) => {
		const bridgesOf = { 4: inSet(sets[4]), 6: inSet(sets[6]) };
		return (bridge: IfName): Family[] => ([4, 6] as const).filter((family) => bridgesOf[family].has(bridge));
	};
	const [masquerade, routed, unprotected] = [
		ofFamilies(elements.FAMILY_SETS.masquerade),
		ofFamilies(elements.FAMILY_SETS.routed),
		ofFamilies(elements.FAMILY_SETS.unprotected),
	];
	const sources = placed.map(elements.decodeSource).filter((source) => source !== undefined);
	const trusted = placed.map(elements.decodeTrusted).filter((one) => one !== undefined);
	return [...new Set([...between, ...neighbours, ...inSet(separated)])].map((bridge) => ({
		bridge,
		internal: internals.has(bridge),
		masquerade: masquerade(bridge),
		sources: sources.filter((one) => one.bridge === bridge).map(({ source }) => source),
		neighbours: neighbours.has(bridge),
		routed: routed(bridge),
		unprotected: unprotected(bridge),
		trusted: trusted
			.filter((one) => one.bridge === bridge)
			.map((one) => one.trusted)
			.sort(),
		segment: !between.has(bridge),
	}));
}

function distinct(placed: readonly Placed[]): Placed[] {
	return [...new Map(placed.map((one) => [elements.placeOf(one), one])).values()];
}

function sameElement(one: Placed, other: Placed | undefined): boolean {
	return other !== undefined && Buffer.compare(one.data ?? new Uint8Array(), other.data ?? new Uint8Array()) === 0;
}

function isBusy(placed: Placed, busy: Busy): boolean {
	const shortcut = elements.decodeShortcut(placed);
	if (shortcut !== undefined) return busy.shortcut(shortcut);
	const open = elements.decodeOpening(placed);
	if (open !== undefined) return busy.openPort(open);
	const port = elements.hostPortOf(placed);
	return port === undefined ? busy.bridge(elements.decodeBridge(placed.key)) : busy.hostPort(port);
}

function isContainer(missing: string | undefined): boolean {
	return missing === "table" || missing === "set";
}
