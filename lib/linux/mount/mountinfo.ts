/** What is mounted, as the kernel says it: `/proc/<pid>/mountinfo`, proc_pid_mountinfo(5). */
import { readFileSync } from "node:fs";

export interface Mount {
	readonly id: number;
	readonly parentId: number;
	/** `8:1` */
	readonly device: string;
	/** What of the file system is shown here: `/` unless it is a bind of a part. */
	readonly root: string;
	readonly target: string;
	/** Of this mount: `ro`, `nosuid`, … */
	readonly options: readonly string[];
	/** `shared:7`, `master:3`, `unbindable`; none is private. */
	readonly propagation: readonly string[];
	readonly type: string;
	readonly source: string;
	/** Of the file system, the same wherever it is mounted. */
	readonly superOptions: readonly string[];
}

/** Which mount it was: another one with the same number, later, is hardly of the same file system and shows the same of it. */
export type MountMark = string;

export function markOf({ id, device, root }: Mount): MountMark {
	return `${id} ${device} ${root}`;
}

type WhoseMounts = number | "self" | "thread-self";

/** Bytes that are no UTF-8 are lost: a path of ours has none. In the order of mounting: a later one covers an earlier at the same target. */
export function mountinfo(whose: WhoseMounts = "thread-self"): Mount[] {
	return parseMountinfo(textOf(whose));
}

/** The mount with this number. Of a thousand mounts only this one is parsed. */
export function mountNumbered(id: number, whose: WhoseMounts = "thread-self"): Mount | undefined {
	const text = `\n${textOf(whose)}`;
	const at = text.indexOf(`\n${id} `);
	return at < 0 ? undefined : parseLine(text.slice(at + 1, text.indexOf("\n", at + 1)));
}

/** The mount with this number, and after it all that are mounted below it; empty when there is none. */
export function mountTree(id: number, whose: WhoseMounts = "thread-self"): Mount[] {
	const lines = new Map<number, string>();
	const children = new Map<number, number[]>();
	for (const line of textOf(whose).split("\n")) {
		if (line === "") continue;
		const space = line.indexOf(" ");
		const [own, parent] = [Number(line.slice(0, space)), Number(line.slice(space + 1, line.indexOf(" ", space + 1)))];
		lines.set(own, line);
		const siblings = children.get(parent);
		if (siblings === undefined) children.set(parent, [own]);
		else siblings.push(own);
	}
	const found: Mount[] = [];
	for (const wanted of walk(id, children)) {
		const line = lines.get(wanted);
		if (line !== undefined) found.push(parseLine(line));
	}
	return found;
}

function* walk(id: number, children: ReadonlyMap<number, readonly number[]>): Generator<number> {
	yield id;
	for (const child of children.get(id) ?? []) yield* walk(child, children);
}

function textOf(whose: WhoseMounts): string {
	return readFileSync(`/proc/${whose}/mountinfo`, "utf8");
}

/** What is on top at `target`, or undefined. */
export function findMount(target: string, mounts: readonly Mount[] = mountinfo()): Mount | undefined {
	return mounts.findLast((mount) => mount.target === target);
}

export function parseMountinfo(text: string): Mount[] {
	return text
		.split("\n")
		.filter((line) => line !== "")
		.map(parseLine);
}

function parseLine(line: string): Mount {
	const fields = line.split(" ");
	// The optional fields have no fixed number: a lone hyphen ends them.
	const end = fields.indexOf("-", 6);
	const [id, parentId, device, root, target, options] = fields;
	const [type, source, superOptions] = fields.slice(end + 1);
	if (end < 0 || options === undefined || target === undefined || root === undefined || superOptions === undefined) {
		throw new Error(`not a line of mountinfo: ${line}`);
	}
	return {
		id: Number(id),
		parentId: Number(parentId),
		device: device ?? "",
		root: unescaped(root),
		target: unescaped(target),
		options: options.split(","),
		propagation: fields.slice(6, end),
		type: unescaped(type ?? ""),
		source: unescaped(source ?? ""),
		superOptions: superOptions.split(","),
	};
}

/** The kernel writes space, tab, newline, backslash and `#` as three octal digits. */
function unescaped(field: string): string {
	return field.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
}
