/**
 * What may be left of an instance when its services are gone for good: cleaned directly, by what is derived from names of ours.
 *
 * Other instances on the machine are not touched: links, tables and rules are those of this network namespace, everything else is below the root.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parseIfName } from "#lib/address/if-name.ts";
import type { Paths } from "#lib/config/paths.ts";
import { collect } from "#lib/concurrency/undo.ts";
import { run } from "#lib/exec/run.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { unmount } from "#lib/linux/mount/mount.ts";
import { mountinfo } from "#lib/linux/mount/mountinfo.ts";
import type { Link } from "#lib/linux/netlink/link-format.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { removeLetThrough } from "#lib/linux/nft/let-through.ts";
import { NfTables } from "#lib/linux/nft/nf-tables.ts";
import { findProgram } from "../find-program.ts";
import type { Failed } from "../peers/emptying.ts";
import { removeCgroups, removeParentCgroups } from "../runtime/cgroups.ts";

const OUR_LINK = /^(wharf0|w[hsv]-[0-9a-f]{12}|wh-ask|wh-answer)$/;
/** What netd notes at a bridge to which it has moved the host's addresses from an interface, which is its port. */
const MOVED_FROM = / uplink (\S+) moved$/;
/** netd's note on a link whose name the operator chose. */
const OUR_MARK = /^wharf (?:network|endpoint) /;
const OUR_TABLES = (["inet", "ip", "ip6"] as const).map((family) => ({ family, table: "wharf" }));

/** Every step is taken, whatever the ones before it did; `failed` is told of what remains. */
export async function removeLeftovers(paths: Paths, failed: Failed): Promise<void> {
	const steps: readonly (() => void | Promise<void>)[] = [
		() => removeProcesses(paths),
		() => removeMounts(paths),
		removeLinks,
		// The one rule that netd was allowed in others' tables.
		() => void removeLetThrough(),
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
	for (const link of route.links.list().filter(isOurs)) {
		try {
			giveBack(route, link);
			route.links.remove(link.name);
		} catch (error) {
			// The other end of a veth goes with the first, and a port with its bridge's namespace.
			if (!isErrno(error, "ENODEV")) throw error;
		}
	}
}

function isOurs({ name, alias = "" }: Link): boolean {
	return OUR_LINK.test(name) || OUR_MARK.test(alias);
}

/** The host's own addresses and routes do not go with a bridge. */
function giveBack(route: Rtnetlink, { index: from, alias = "" }: Link): void {
	const [, uplink] = MOVED_FROM.exec(alias) ?? [];
	const port = uplink === undefined ? undefined : route.links.find(parseIfName(uplink));
	if (port === undefined || port.master !== from) return;
	route.layer.pass({ from, to: port.index, port: port.index, master: 0, before: from });
}

function removeTables(): void {
	using tables = NfTables.open();
	for (const table of OUR_TABLES.filter((each) => tables.hasTable(each))) tables.removeTable(table);
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
