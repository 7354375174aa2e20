/** Extended attributes as the kernel has them, and as archives name them. */
import { isUtf8 } from "node:buffer";
import type { Attributes } from "#lib/linux/files/attributes.ts";
import { aclBytes, aclText, entriesIn, maskIn } from "./acl-text.ts";
import type { PaxRecords } from "./pax.ts";

const XATTR = "SCHILY.xattr.";
/** Access control lists have keywords of their own. */
const ACCESS = "system.posix_acl_access";
const ACLS: ReadonlyMap<string, string> = new Map([
	[ACCESS, "SCHILY.acl.access"],
	["system.posix_acl_default", "SCHILY.acl.default"],
]);
/** Of its owner, its group and all others. */
const MODE_ENTRIES = 3;
const GROUP_BITS = 0o070;
const ACL_NAMES: ReadonlyMap<string, string> = new Map([...ACLS].map(([name, keyword]) => [keyword, name]));

export function recordsOf(attributes: Attributes): PaxRecords {
	const records = new Map<string, string>();
	for (const [name, value] of attributes) {
		const acl = ACLS.get(name);
		if (acl === undefined) records.set(XATTR + keywordOf(name), value.toString("latin1"));
		else records.set(acl, Buffer.from(aclText(value)).toString("latin1"));
	}
	return records;
}

/** By name; a value that cannot be read is undefined. */
export function attributesIn(records: PaxRecords): Map<string, Buffer | undefined> {
	const attributes = new Map<string, Buffer | undefined>();
	for (const [key, value] of records) {
		const acl = ACL_NAMES.get(key);
		const bytes = Buffer.from(value, "latin1");
		if (acl !== undefined) attributes.set(acl, aclBytes(bytes.toString("utf8")));
		else if (key.startsWith(XATTR)) attributes.set(nameOf(key.slice(XATTR.length)), bytes);
	}
	return attributes;
}

/** As text that is the same for each notation of a list, by name. Lists that no file system keeps, for they say nothing but the mode, are left out. */
export function attributeTexts(records: PaxRecords): Map<string, string> {
	const texts = new Map<string, string>();
	for (const [name, value] of attributesIn(records)) {
		if (value === undefined) texts.set(name, "a list that cannot be read");
		else if (!ACLS.has(name)) texts.set(name, valueText(value));
		else if (saysMore(name, value)) texts.set(name, aclText(value).trimEnd().replaceAll("\n", ","));
	}
	return texts;
}

/** As a file has it that has the attributes: the group's bits are a list's mask, wherever a program has written those of the group alone. */
export function modeWith(records: PaxRecords, mode: number): number {
	const list = records.size === 0 ? undefined : attributesIn(records).get(ACCESS);
	const mask = list && maskIn(list);
	return mask === undefined ? mode : (mode & ~GROUP_BITS) | (mask << 3);
}

/** As getfattr(1) shows it. */
export function valueText(value: Buffer): string {
	return isUtf8(value) ? JSON.stringify(value.toString("utf8")) : `0s${value.toString("base64")}`;
}

function saysMore(name: string, value: Buffer): boolean {
	return entriesIn(value) > (name === ACCESS ? MODE_ENTRIES : 0);
}

/** What gives its owner more than what he writes himself: capabilities of programs, labels, and what only the host's root may set. */
export function isPrivileged(name: string): boolean {
	return name.startsWith("security.") || name.startsWith("trusted.");
}

/** An equals sign would end the keyword: as GNU tar writes it. */
function keywordOf(name: string): string {
	return name.replaceAll("%", "%25").replaceAll("=", "%3D");
}

/** As GNU tar reads it: of what could be an escape only these two are. */
function nameOf(keyword: string): string {
	return keyword.replaceAll("%3D", "=").replaceAll("%25", "%");
}
