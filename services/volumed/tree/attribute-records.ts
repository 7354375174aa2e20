/** Extended attributes as the kernel has them, and as archives name them. */
import type { Attributes } from "#lib/linux/files/attributes.ts";
import type { PaxRecords } from "../archive/pax.ts";
import { aclBytes, aclText } from "./acl-text.ts";

const XATTR = "SCHILY.xattr.";
/** Access control lists have keywords of their own. */
const ACLS: ReadonlyMap<string, string> = new Map([
	["system.posix_acl_access", "SCHILY.acl.access"],
	["system.posix_acl_default", "SCHILY.acl.default"],
]);
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
