/**
 * What may be left of an instance when its services are gone for good: cleaned directly, by what is derived from names of ours.
 *
 * Other instances on the machine are not touched: links, tables and rules are those of this network namespace, everything else is below the root.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Paths } from "#lib/config/paths.ts";
import { collect } from "#lib/concurrency/undo.ts";
import { run } from "#lib/exec/run.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { unmount } from "#lib/linux/mount/mount.ts";
import { mountinfo } from "#lib/linux/mount/mountinfo.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { removeLetThrough } from "#lib/linux/nft/let-through.ts";
import { Nft } from "#lib/linux/nft/nft.ts";
import { findProgram } from "../find-program.ts";
import type { Failed } from "../peers/emptying.ts";
import { removeCgroups, removeParentCgroups } from "../runtime/cgroups.ts";

const OUR_LINK = /^(wharf0|wh-[0-9a-f]{12}|wv-[0-9a-f]{12})$/;
const OUR_TABLE = "wharf";

/** Every step is taken, whatever the ones before it did; `failed` is told of what remains. */
export async function removeLeftovers(paths: Paths, failed: Failed): Promise<void> {
	const steps: readonly (() => void | Promise<void>)[] = [
		() => removeProcesses(paths),
		() => removeMounts(paths),
		removeLinks,
		removeForeignRules,
		removeTables,
		() => removeAllCgroups(paths),
	];
	await collect(steps, failed);
}

/** Containers that runc knows, which ends their processes and with them conmon. */
async function removeProcesses(paths: Paths): Promise<void> {
	const runc = findProgram("runc");
	const stateDir = join(paths.run, "runc");
	if (runc === undefined) return;
	for (const id of entries(stateDir))
		await run(runc, ["--root", stateDir, "delete", "--force", id], { acceptExit: [0, 1] });
}

/** Root file systems, pinned namespaces, and whatever else is mounted below the root: the innermost first. */
function removeMounts(paths: Paths): void {
	const targets = mountinfo()
		.map(({ target }) => target)
		.filter((target) => target.startsWith(`${paths.root}/`));
	for (const target of targets.toReversed()) unmount(target, { detach: true });
}

function removeLinks(): void {
	using route = Rtnetlink.open();
	for (const { name } of route.links.list().filter((link) => OUR_LINK.test(link.name))) {
		try {
			route.links.remove(name);
		} catch (error) {
			// The other end of a veth goes with the first, and a port with its bridge's namespace.
			if (!isErrno(error, "ENODEV")) throw error;
		}
	}
}

/** The one rule that netd was allowed in others' tables. */
function removeForeignRules(): void {
	using nft = Nft.open();
	removeLetThrough(nft);
}

interface ListedTable {
	readonly table?: { readonly family: string; readonly name: string };
}

function removeTables(): void {
	using nft = Nft.open();
	const tables = nft.list("list tables") as ListedTable[]; // libnftables-json(5): an object a table
	for (const { table } of tables) {
		if (table?.name === OUR_TABLE) nft.run(`delete table ${table.family} ${table.name}`);
	}
}

async function removeAllCgroups(paths: Paths): Promise<void> {
	for (const id of entries(paths.containers)) await removeCgroups(id);
	await removeParentCgroups();
}

function entries(folder: string): string[] {
	try {
		return readdirSync(folder);
	} catch {
		return [];
	}
}
