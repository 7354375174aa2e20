/** A directory gets what another one on the same file system has, but for its time. */
import { attributesOf, removeAttribute, setAttribute } from "#lib/linux/files/attributes.ts";
import { ownOpen, permitOpen } from "#lib/linux/files/make.ts";
import { FileStatus } from "#lib/linux/files/status.ts";
import { must } from "#lib/linux/libc.ts";

/** Both are open. Owner first: a change of it takes attributes away. Throws a LinuxError. */
export function copyStatus(from: number, to: number): void {
	const status = new FileStatus();
	must(status.ofDescriptor(from), "statx");
	must(ownOpen(to, status.uid, status.gid), "chown");
	const wanted = attributesOf(from);
	// The mode is a part of an access control list.
	for (const name of attributesOf(to).keys())
		if (!wanted.has(name)) must(removeAttribute(to, name), `removexattr ${name}`);
	must(permitOpen(to, status.mode & 0o7777), "chmod");
	for (const [name, value] of wanted) must(setAttribute(to, name, value), `setxattr ${name}`);
}
