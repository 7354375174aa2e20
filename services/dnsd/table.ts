/**
 * An immutable map from strings: each change gives a new one that shares all but a path of the old one.
 *
 * A change and a look-up cost the same at ten keys and at a hundred thousand (a hash trie of 32 ways: Bagwell, "Ideal Hash Trees").
 */

interface Leaf<V> {
	readonly kind: "leaf";
	readonly hash: number;
	/** More than one only where hashes collide. */
	readonly pairs: readonly (readonly [key: string, value: V])[];
}

interface Branch<V> {
	readonly kind: "branch";
	/** Bit n is set when way n is taken; children are in the order of their bits. */
	readonly bitmap: number;
	readonly children: readonly Node<V>[];
}

type Node<V> = Leaf<V> | Branch<V>;

const WAY_BITS = 5;
const WAY_MASK = 31;

export class Table<V> {
	readonly size: number;
	readonly #root: Node<V> | undefined;

	private constructor(root: Node<V> | undefined, size: number) {
		this.#root = root;
		this.size = size;
	}

	static empty<V>(): Table<V> {
		return new Table<V>(undefined, 0);
	}

	get(key: string): V | undefined {
		const hash = hashOf(key);
		let node = this.#root;
		for (let shift = 0; node !== undefined; shift += WAY_BITS) {
			if (node.kind === "leaf") {
				for (const pair of node.pairs) if (pair[0] === key) return pair[1];
				return undefined;
			}
			const bit = 1 << ((hash >>> shift) & WAY_MASK);
			node = (node.bitmap & bit) === 0 ? undefined : node.children[rank(node.bitmap, bit)];
		}
		return undefined;
	}

	with(key: string, value: V): Table<V> {
		const root = put(this.#root, 0, hashOf(key), key, value);
		return new Table(root, this.size + (this.get(key) === undefined ? 1 : 0));
	}

	without(key: string): Table<V> {
		if (this.get(key) === undefined) return this;
		return new Table(drop(this.#root, 0, hashOf(key), key), this.size - 1);
	}

	*values(): IterableIterator<V> {
		yield* valuesOf(this.#root);
	}
}

function put<V>(node: Node<V> | undefined, shift: number, hash: number, key: string, value: V): Node<V> {
	if (node === undefined) return { kind: "leaf", hash, pairs: [[key, value]] };
	if (node.kind === "leaf") {
		if (node.hash === hash) return { ...node, pairs: [...node.pairs.filter(([other]) => other !== key), [key, value]] };
		const above: Branch<V> = { kind: "branch", bitmap: 1 << ((node.hash >>> shift) & WAY_MASK), children: [node] };
		return put(above, shift, hash, key, value);
	}
	const bit = 1 << ((hash >>> shift) & WAY_MASK);
	const index = rank(node.bitmap, bit);
	const taken = (node.bitmap & bit) !== 0;
	const child = put(taken ? node.children[index] : undefined, shift + WAY_BITS, hash, key, value);
	return {
		kind: "branch",
		bitmap: node.bitmap | bit,
		children: taken ? node.children.with(index, child) : node.children.toSpliced(index, 0, child),
	};
}

/** The key must be there. */
function drop<V>(node: Node<V> | undefined, shift: number, hash: number, key: string): Node<V> | undefined {
	if (node === undefined) return undefined;
	if (node.kind === "leaf") {
		const pairs = node.pairs.filter(([other]) => other !== key);
		return pairs.length === 0 ? undefined : { ...node, pairs };
	}
	const bit = 1 << ((hash >>> shift) & WAY_MASK);
	const index = rank(node.bitmap, bit);
	const child = drop(node.children[index], shift + WAY_BITS, hash, key);
	if (child !== undefined) return { ...node, children: node.children.with(index, child) };
	if (node.children.length === 1) return undefined;
	return { kind: "branch", bitmap: node.bitmap & ~bit, children: node.children.toSpliced(index, 1) };
}

function* valuesOf<V>(node: Node<V> | undefined): IterableIterator<V> {
	if (node === undefined) return;
	if (node.kind === "leaf") for (const [, value] of node.pairs) yield value;
	else for (const child of node.children) yield* valuesOf(child);
}

/** How many ways below `bit` are taken: the child's index. */
function rank(bitmap: number, bit: number): number {
	let bits = bitmap & (bit - 1);
	bits -= (bits >>> 1) & 0x55555555;
	bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
	return Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** FNV-1a over the characters. */
function hashOf(key: string): number {
	let hash = 0x811c9dc5;
	for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
	return hash | 0;
}
