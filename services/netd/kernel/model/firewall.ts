/** Packet rules of the model. */
import type { IfName } from "#lib/address/if-name.ts";
import { portText } from "../../port.ts";
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

export class ModelFirewall implements Firewall {
	#there = false;
	readonly #networks = new Map<IfName, NetworkRules>();
	readonly #publications = new Map<string, Published>();
	readonly #shortcuts = new Map<string, Shortcut>();

	ensureSkeleton(): boolean {
		const made = !this.#there;
		this.#there = true;
		return made;
	}

	ensureNetwork(rules: NetworkRules): void {
		this.ensureSkeleton();
		this.#networks.set(rules.bridge, rules);
	}

	removeNetwork(bridge: IfName): void {
		this.#networks.delete(bridge);
	}

	ensurePublished(publications: readonly Published[]): void {
		this.ensureSkeleton();
		for (const publication of publications) this.#publications.set(keyOf(publication), normal(publication));
	}

	removePublished(publications: readonly Published[], kept: readonly Published[]): void {
		const open = new Set(kept.filter((one) => !isPublication(one)).map(keyOf));
		for (const key of publications.map(keyOf)) if (!open.has(key)) this.#publications.delete(key);
	}

	ensureShortcuts(shortcuts: readonly Shortcut[]): void {
		for (const shortcut of shortcuts) this.#shortcuts.set(text(shortcut), shortcut);
	}

	removeShortcuts(shortcuts: readonly Shortcut[]): void {
		for (const shortcut of shortcuts) this.#shortcuts.delete(text(shortcut));
	}

	assert(rules: Rules, busy: Busy): Difference {
		const networks = settle(
			this.#networks,
			rules.networks,
			({ bridge }) => bridge,
			({ bridge }) => busy.bridge(bridge),
		);
		const ports = settle(this.#publications, rules.publications.map(normal), keyOf, (one) =>
			isPublication(one) ? busy.hostPort(one) : busy.openPort(one),
		);
		const shortcuts = settle(this.#shortcuts, rules.shortcuts, text, busy.shortcut);
		const all = [networks, ports, shortcuts];
		return { added: all.flatMap(({ added }) => added), removed: all.flatMap(({ removed }) => removed) };
	}

	observe(): Rules {
		return {
			networks: [...this.#networks.values()],
			publications: [...this.#publications.values()],
			shortcuts: [...this.#shortcuts.values()],
		};
	}

	/** Somebody flushes the host's rules. */
	flush(): void {
		this.#there = false;
		this.#networks.clear();
		this.#publications.clear();
		this.#shortcuts.clear();
	}
}

/** 0.0.0.0 and no address are the same once the target's family is known. */
function normal<P extends Published>(publication: P): P {
	return isPublication(publication) && publication.hostAddress?.value === 0n
		? { ...publication, hostAddress: undefined }
		: publication;
}

function keyOf(publication: Published): string {
	if (!isPublication(publication)) return `${publication.protocol} at ${publication.target} ${publication.targetPort}`;
	return `${portText(normal(publication))} IPv${publication.target.family}`;
}

function settle<K, V>(
	present: Map<K, V>,
	wanted: readonly V[],
	key: (value: V) => K,
	busy: (value: V) => boolean,
): Difference {
	const wantedByKey = new Map(wanted.map((value) => [key(value), value]));
	const removed = [...present].filter(([k, value]) => !wantedByKey.has(k) && !busy(value)).map(([k]) => k);
	for (const k of removed) present.delete(k);
	const added: string[] = [];
	for (const [k, value] of wantedByKey) {
		if (busy(value) || text(present.get(k)) === text(value)) continue;
		present.set(k, value);
		added.push(String(k));
	}
	return { added, removed: removed.map(String) };
}

function text(value: unknown): string {
	return JSON.stringify(value, (_, field: unknown) => (typeof field === "bigint" ? field.toString() : field)) ?? "";
}
