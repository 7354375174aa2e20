/**
 * Access control lists as text, acl(5), which is how GNU tar and libarchive write and read them, and as the kernel has them:
 * `posix_acl_xattr_header` and `posix_acl_xattr_entry` of <linux/posix_acl_xattr.h>.
 */
const VERSION = 2;
const HEADER_BYTES = 4;
const ENTRY_BYTES = 8;
const NOBODY = 0xffff_ffff;
/** Those with a number have other tags than those without. */
const TAGS: Readonly<Record<string, readonly [unnamed: number, named: number]>> = {
	user: [1, 2],
	group: [4, 8],
	mask: [16, 16],
	other: [32, 32],
};
const KINDS: ReadonlyMap<number, string> = new Map(
	Object.entries(TAGS).flatMap(([kind, tags]) => tags.map((tag): [number, string] => [tag, kind])),
);
const SHORT: Readonly<Record<string, string>> = { u: "user", g: "group", m: "mask", o: "other" };
const LETTERS = ["r", "w", "x"] as const;

export function aclText(value: Buffer): string {
	const lines: string[] = [];
	for (let at = HEADER_BYTES; at + ENTRY_BYTES <= value.length; at += ENTRY_BYTES) {
		const tag = value.readUInt16LE(at);
		const kind = KINDS.get(tag) ?? "other";
		const [unnamed, named] = TAGS[kind] ?? [];
		const id = tag === named && tag !== unnamed ? value.readUInt32LE(at + 4) : "";
		lines.push(`${kind}:${id}:${lettersOf(value.readUInt16LE(at + 2))}`);
	}
	return `${lines.join("\n")}\n`;
}

/** How many entries it has. */
export function entriesIn(value: Buffer): number {
	return Math.floor((value.length - HEADER_BYTES) / ENTRY_BYTES);
}

/** What its mask lets through, as three bits; undefined: it has none. */
export function maskIn(value: Buffer): number | undefined {
	for (let at = HEADER_BYTES; at + ENTRY_BYTES <= value.length; at += ENTRY_BYTES)
		if (KINDS.get(value.readUInt16LE(at)) === "mask") return value.readUInt16LE(at + 2);
	return undefined;
}

/** Long and short; of a user or group the number, which star puts behind the permissions when there is a name. Undefined: it is none. */
export function aclBytes(text: string): Buffer | undefined {
	const entries: Buffer[] = [];
	for (const line of text.split(/[\n,]/)) {
		const [words = ""] = line.trim().split(/[\s#]/);
		if (words === "") continue;
		const [kind = "", who = "", permissions = "", id = who] = words.split(":");
		const tags = TAGS[kind] ?? TAGS[SHORT[kind] ?? ""];
		if (tags === undefined || !/^[r-][w-][x-]$/.test(permissions)) return undefined;
		if (who !== "" && !/^\d{1,10}$/.test(id)) return undefined;
		const entry = Buffer.alloc(ENTRY_BYTES);
		entry.writeUInt16LE(tags[who === "" ? 0 : 1], 0);
		entry.writeUInt16LE(bitsOf(permissions), 2);
		entry.writeUInt32LE(who === "" ? NOBODY : Number(id), 4);
		entries.push(entry);
	}
	const header = Buffer.alloc(HEADER_BYTES);
	header.writeUInt32LE(VERSION, 0);
	// The kernel wants them by tag and number.
	const sorted = entries.sort((a, b) => a.readUInt16LE(0) - b.readUInt16LE(0) || a.readUInt32LE(4) - b.readUInt32LE(4));
	return Buffer.concat([header, ...sorted]);
}

function lettersOf(bits: number): string {
	return LETTERS.map((letter, index) => ((bits & (4 >> index)) === 0 ? "-" : letter)).join("");
}

function bitsOf(letters: string): number {
	return LETTERS.reduce((sum, letter, index) => sum + (letters[index] === letter ? 4 >> index : 0), 0);
}
