/** Extended attributes of an archive as the kernel has them. */
import type { PaxRecords } from "../archive/pax.ts";

const XATTR = "SCHILY.xattr.";
const ACLS: ReadonlyMap<string, string> = new Map([
	["SCHILY.acl.access", "system.posix_acl_access"],
	["SCHILY.acl.default", "system.posix_acl_default"],
]);
const VERSION = 2;
const NOBODY = 0xffff_ffff;
const TAGS: Readonly<Record<string, readonly [unnamed: number, named: number]>> = {
	user: [1, 2],
	group: [4, 8],
	mask: [16, 16],
	other: [32, 32],
};

/** By name; a value that cannot be read is undefined. */
export function writtenAttributes(records: PaxRecords): Map<string, Buffer | undefined> {
	const attributes = new Map<string, Buffer | undefined>();
	for (const [key, value] of records) {
		const acl = ACLS.get(key);
		if (acl !== undefined) attributes.set(acl, aclBytes(value.toString("utf8")));
		else if (key.startsWith(XATTR)) attributes.set(nameOf(key.slice(XATTR.length)), value);
	}
	return attributes;
}

/** As GNU tar reads it: of what could be an escape only these two are. */
function nameOf(keyword: string): string {
	return keyword.replaceAll("%3D", "=").replaceAll("%25", "%");
}

/** What gives its owner more than what he writes himself: capabilities of programs, labels, and what only the host's root may set. */
export function isPrivileged(name: string): boolean {
	return name.startsWith("security.") || name.startsWith("trusted.");
}

/** acl(5), long and short; of a user or group the number, which star puts behind the permissions when there is a name. */
function aclBytes(text: string): Buffer | undefined {
	const entries: Buffer[] = [];
	for (const line of text.split(/[\n,]/)) {
		const [words = ""] = line.trim().split(/[\s#]/);
		if (words === "") continue;
		const [kind = "", who = "", permissions = "", id = who] = words.split(":");
		const tags = TAGS[kind] ?? TAGS[{ u: "user", g: "group", m: "mask", o: "other" }[kind] ?? ""];
		if (tags === undefined || !/^[r-][w-][x-]$/.test(permissions)) return undefined;
		if (who !== "" && !/^\d{1,10}$/.test(id)) return undefined;
		const entry = Buffer.alloc(8);
		entry.writeUInt16LE(tags[who === "" ? 0 : 1], 0);
		entry.writeUInt16LE(
			[..."rwx"].reduce((sum, letter, bit) => sum + (permissions[bit] === letter ? 4 >> bit : 0), 0),
			2,
		);
		entry.writeUInt32LE(who === "" ? NOBODY : Number(id), 4);
		entries.push(entry);
	}
	const header = Buffer.alloc(4);
	header.writeUInt32LE(VERSION, 0);
	// The kernel wants them by tag and number.
	const sorted = entries.sort((a, b) => a.readUInt16LE(0) - b.readUInt16LE(0) || a.readUInt32LE(4) - b.readUInt32LE(4));
	return Buffer.concat([header, ...sorted]);
}
