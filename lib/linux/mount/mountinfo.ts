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

/** Bytes that are no UTF-8 are lost: a path of ours has none. In the order of mounting: a later one covers an earlier at the same target. */
export function mountinfo(pid: number | "self" | "thread-self" = "thread-self"): Mount[] {
	return parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
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
