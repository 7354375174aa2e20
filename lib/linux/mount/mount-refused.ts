/** Why something cannot be mounted, by the part of the asking that it is about. */
import { isErrno } from "../libc.ts";

/** `silent`: a file system that it is about does not answer. `kernel`: none of what was asked is at fault. */
export type RefusedPart = "origin" | "subpath" | "owners" | "process" | "destination" | "silent" | "kernel";

export class MountRefused extends Error {
	override readonly name = "MountRefused";
	readonly part: RefusedPart;
	/** For people, as a clause: "a part of it is a symlink". */
	readonly problem: string;

	constructor(part: RefusedPart, problem: string, options?: ErrorOptions) {
		super(`${part}: ${problem}`, options);
		this.part = part;
		this.problem = problem;
	}
}

const CLAUSES: Readonly<Record<string, string>> = {
	ENOENT: "there is no such file or directory",
	ENOTDIR: "a part of it is no directory",
	EXDEV: "it leads out",
	ENAMETOOLONG: "it is too long",
	EROFS: "it is missing, and its file system is read-only",
	ENOSPC: "its file system is full",
	EOVERFLOW: "root of this host has no owner there",
	EACCES: "the kernel allows nobody in",
};

/** Runs `body`; what the system refuses there is said of `part`. `clauses` by errno go before the usual ones. */
export function atPart<T>(part: RefusedPart, clauses: Readonly<Record<string, string>>, body: () => T): T {
	try {
		return body();
	} catch (error) {
		throw refusedAt(part, clauses, error);
	}
}

function refusedAt(part: RefusedPart, clauses: Readonly<Record<string, string>>, error: unknown): unknown {
	if (error instanceof MountRefused || !(error instanceof Error) || !("code" in error)) return error;
	const all = { ...CLAUSES, ...clauses };
	const known = Object.keys(all).find((code) => isErrno(error, code));
	return new MountRefused(part, known === undefined ? error.message : (all[known] ?? ""), { cause: error });
}
