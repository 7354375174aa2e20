/**
 * A set of numbers below 2^32 that finds the next absent one in constant time.
 *
 * A tree with 32 children a node; each node says in one word which of its children are full. Depth follows the size (two
 * levels for 1,024 numbers, seven for 2^32), and nodes exist only where something is in the set: memory follows what is in it.
 */

interface Leaf {
	/** Bit n is set when `words[n]` is full. */
	full: number;
	count: number;
	readonly words: Int32Array;
}

interface Branch {
	/** Bit n is set when `children[n]` is full. */
	full: number;
	count: number;
	readonly children: (Node | undefined)[];
}

type Node = Leaf | Branch;

/** Children of a node, and bits of a word. */
const FAN_OUT = 32;
const FAN_OUT_BITS = 5;
const FULL = -1;
const NONE = -1;

export class Bitmap {
	readonly size: number;
	/** A node of height 1 is a leaf; one of height h has 32^(h+1) numbers below it. */
	readonly #height: number;
	#root: Node;

	constructor(size: number) {
		if (!Number.isInteger(size) || size < 0 || size > 2 ** 32) throw new RangeError(`${size} is no size of a bitmap`);
		this.size = size;
		let height = 1;
		while (FAN_OUT ** (height + 1) < size) height++;
		this.#height = height;
		this.#root = emptyNode(height);
	}

	/** How many are in the set. */
	get count(): number {
		return this.#root.count;
	}

	has(index: number): boolean {
		this.#check(index);
		let node: Node | undefined = this.#root;
		for (let height = this.#height; node !== undefined; height--) {
			if ("words" in node) return ((node.words[slotOf(index, 1)] ?? 0) & (1 << (index & 31))) !== 0;
			node = node.children[slotOf(index, height)];
		}
		return false;
	}

	/** False when it was in the set already. */
	add(index: number): boolean {
		this.#check(index);
		return add(this.#root, this.#height, index);
	}

	/** False when it was not in the set. */
	delete(index: number): boolean {
		this.#check(index);
		return remove(this.#root, this.#height, index);
	}

	/** The smallest number from `from` on that is not in the set; undefined when there is none below `size`. */
	nextAbsent(from: number): number | undefined {
		if (from >= this.size) return undefined;
		const found = nextAbsent(this.#root, this.#height, from);
		return found === NONE || found >= this.size ? undefined : found;
	}

	#check(index: number): void {
		if (!(index >= 0 && index < this.size)) throw new RangeError(`${index} is not below ${this.size}`);
	}
}

function emptyNode(height: number): Node {
	if (height === 1) return { full: 0, count: 0, words: new Int32Array(FAN_OUT) };
	// Written out, so that the engine keeps a dense array.
	return { full: 0, count: 0, children: Array.from<Node | undefined>({ length: FAN_OUT }) };
}

function slotOf(index: number, height: number): number {
	return (index >>> (FAN_OUT_BITS * height)) & 31;
}

function add(node: Node, height: number, index: number): boolean {
	const slot = slotOf(index, height);
	let isFull: boolean;
	if ("words" in node) {
		const before = node.words[slot] ?? 0;
		const after = before | (1 << (index & 31));
		if (after === before) return false;
		node.words[slot] = after;
		isFull = after === FULL;
	} else {
		const child = (node.children[slot] ??= emptyNode(height - 1));
		if (!add(child, height - 1, index)) return false;
		isFull = child.full === FULL;
	}
	if (isFull) node.full |= 1 << slot;
	node.count++;
	return true;
}

function remove(node: Node, height: number, index: number): boolean {
	const slot = slotOf(index, height);
	if ("words" in node) {
		const before = node.words[slot] ?? 0;
		const after = before & ~(1 << (index & 31));
		if (after === before) return false;
		node.words[slot] = after;
	} else {
		const child = node.children[slot];
		if (child === undefined || !remove(child, height - 1, index)) return false;
		if (child.count === 0) node.children[slot] = undefined;
	}
	node.full &= ~(1 << slot);
	node.count--;
	return true;
}

/** Relative to the node's first number. At most one step back up a level: a node that is not full has an absent number. */
function nextAbsent(node: Node, height: number, from: number): number {
	const slot = slotOf(from, height);
	const width = FAN_OUT ** height;
	const here = nextAbsentIn(node, height, slot, from % width);
	if (here !== NONE) return slot * width + here;
	const later = lowestBit(~node.full & bitsAbove(slot));
	return later === NONE ? NONE : later * width + nextAbsentIn(node, height, later, 0);
}

function nextAbsentIn(node: Node, height: number, slot: number, from: number): number {
	if ("words" in node) return lowestBit(~(node.words[slot] ?? 0) & (FULL << from));
	if ((node.full & (1 << slot)) !== 0) return NONE;
	const child = node.children[slot];
	return child === undefined ? from : nextAbsent(child, height - 1, from);
}

function bitsAbove(slot: number): number {
	return slot === 31 ? 0 : FULL << (slot + 1);
}

function lowestBit(word: number): number {
	return word === 0 ? NONE : 31 - Math.clz32(word & -word);
}
