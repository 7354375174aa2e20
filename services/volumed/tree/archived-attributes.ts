/** Extended attributes as archives name them. Access control lists are text there: acl(5), as GNU tar and libarchive read it. */
import type { Attributes } from "#lib/linux/files/attributes.ts";
import type { PaxRecords } from "../archive/pax.ts";

const ACLS: ReadonlyMap<string, string> = new Map([
	["system.posix_acl_access", "SCHILY.acl.access"],
	["system.posix_acl_default", "SCHILY.acl.default"],
]);

/** `posix_acl_xattr_header` and `posix_acl_xattr_entry` of <linux/posix_acl_xattr.h>. */
const HEADER_BYTES = 4;
const ENTRY_BYTES = 8;
const TAGS: Readonly<Record<number, string>> = {
	1: "user",
	2: "user",
	4: "group",
	8: "group",
	16: "mask",
	32: "other",
};
const NAMED = new Set([2, 8]);

export function archivedAttributes(attributes: Attributes): PaxRecords {
	const records = new Map<string, Buffer>();
	for (const [name, value] of attributes) {
		const acl = ACLS.get(name);
		if (acl === undefined) records.set(`SCHILY.xattr.${keywordOf(name)}`, value);
		else records.set(acl, Buffer.from(aclText(value)));
	}
	return records;
}

/** An equals sign would end the keyword: as GNU tar writes it. */
function keywordOf(name: string): string {
	return name.replaceAll("%", "%25").replaceAll("=", "%3D");
}

function aclText(value: Buffer): string {
	const lines: string[] = [];
	for (let at = HEADER_BYTES; at + ENTRY_BYTES <= value.length; at += ENTRY_BYTES) {
		const tag = value.readUInt16LE(at);
		const permissions = value.readUInt16LE(at + 2);
		const id = NAMED.has(tag) ? value.readUInt32LE(at + 4) : "";
		const letters = ["r", "w", "x"].map((letter, bit) => ((permissions & (4 >> bit)) === 0 ? "-" : letter)).join("");
		lines.push(`${TAGS[tag] ?? "other"}:${id}:${letters}`);
	}
	return `${lines.join("\n")}\n`;
}
