/**
 * What the archiver and its thread tell each other. Bytes go from one to the other without being copied: who sends a buffer has it no more.
 *
 * - A pack: `pack`, then `buffer`s to be filled, each of which comes back as a `chunk`, written into the archive's file if there is one;
 *   `packed` when all of the tree is out. If it is gone through twice: `catch-up`, `caught-up`, more chunks, `packed`.
 * - Its manifest, on another thread: `manifest`, then `buffer`s with the archive, each of which comes back as `taken`. Then `seal` and
 *   `buffer`s to be filled, each of which comes back as a `chunk`; `sealed`.
 * - An archive that is read: `read`, then `buffer`s with the archive, each of which comes back as `taken`; `end`, `ended`; perhaps
 *   `compare`, `compared`; `finish`, `finished`.
 * - One that is unpacked: `unpack`, and the same on another thread. Each of its buffers goes on to one that reads it; its `end` comes last.
 * - A copy: `copy`, `opened`; `into`, `copied` when all of the tree is there; if it is gone through twice: `catch-up`, `caught-up`; `finish`,
 *   `finished`. `progressed` comes between.
 * - A step of a stage within a volume's content: `stage`, `staged`, or `prepared`, or `held`: until it is dropped.
 * - `failed` ends each of them. `drop`, `dropped` comes last.
 */
import { Fault, type FaultOptions } from "#lib/fault/fault.ts";
import { LinuxError } from "#lib/linux/libc.ts";
import type { Preparing } from "../kernel/inner-stages.ts";
import type { Foot, Manifest } from "../archive/manifest.ts";
import type { Dropped } from "../archive/place.ts";
import type { Progress } from "../job.ts";
import type { PathPatternTexts } from "../path-patterns.ts";
import type { ArchiveTarget } from "./archive-target.ts";
import type { Inode } from "./cursor.ts";
import type { Compared } from "./compare.ts";
import type { Destination } from "./destination.ts";

/** What the tree has that no archive holds. */
export type Unarchived = Pick<Foot, "sockets" | "gone" | "warnings">;

export type TreeOrder =
	| {
			readonly kind: "pack";
			readonly path: string;
			readonly patterns: PathPatternTexts;
			readonly spool: string;
			readonly twice: boolean;
			readonly into: ArchiveTarget | undefined;
			/** It is not archived. */
			readonly without: Inode | undefined;
	  }
	| { readonly kind: "manifest"; readonly spool: string }
	/**
	 * The archive is compared with its manifest, and nothing is made of it. With `rehearses` it is told what a restore would tell; with `compares`
	 * a `compare` may come.
	 */
	| {
			readonly kind: "read";
			readonly spool: string;
			readonly strip: Dropped;
			readonly rehearses: boolean;
			readonly compares: boolean;
	  }
	/** Files are made of it, and somebody else reads it. */
	| { readonly kind: "unpack"; readonly destination: Destination; readonly strip: Dropped }
	| { readonly kind: "copy"; readonly path: string; readonly spool: string; readonly twice: boolean }
	| { readonly kind: "into"; readonly destination: Destination }
	| { readonly kind: "buffer"; readonly buffer: ArrayBuffer; readonly length: number }
	| {
			readonly kind: "seal";
			readonly volume: string;
			readonly createdAt: Date;
			readonly told: Unarchived;
	  }
	/** Control groups of those who may write there and stand still. */
	| { readonly kind: "catch-up"; readonly writers: readonly string[] }
	/** `told` by the manifest that somebody else has read. */
	| { readonly kind: "end"; readonly told: Unarchived | undefined }
	| { readonly kind: "compare"; readonly path: string; readonly merged: boolean }
	| { readonly kind: "finish"; readonly privileged: boolean }
	| { readonly kind: "stage"; readonly content: string; readonly id: string; readonly step: StageStep }
	/** Nobody waits any more. */
	| { readonly kind: "drop" };

export type StageStep =
	| { readonly kind: "begin" }
	| ({ readonly kind: "prepare" } & Preparing)
	| { readonly kind: "enter"; readonly seal: string }
	| { readonly kind: "hold" }
	| { readonly kind: "end" };

export type TreeReply =
	| { readonly kind: "chunk"; readonly buffer: ArrayBuffer; readonly length: number; readonly entries: number }
	| { readonly kind: "packed"; readonly told: Unarchived }
	| { readonly kind: "caught-up" }
	| { readonly kind: "sealed"; readonly manifest: Manifest }
	/** `bytes` of the archive so far are before its manifest, or its end. */
	| { readonly kind: "taken"; readonly buffer: ArrayBuffer; readonly entries: number; readonly bytes: number }
	| {
			readonly kind: "ended";
			readonly entries: number;
			readonly bytes: number;
			/** Of both, what was not left out. */
			readonly kept: Progress;
			readonly manifest: Manifest | undefined;
	  }
	| ({ readonly kind: "compared" } & Compared)
	| { readonly kind: "opened" }
	| ({ readonly kind: "progressed" } & Progress)
	| { readonly kind: "copied" }
	| { readonly kind: "finished"; readonly warnings: readonly string[]; readonly implied: readonly string[] }
	| { readonly kind: "staged" }
	| { readonly kind: "prepared"; readonly seal: string }
	/** A descriptor of the directory around the stage; undefined when that is not there. */
	| { readonly kind: "held"; readonly around: number | undefined }
	| { readonly kind: "dropped" }
	| { readonly kind: "failed"; readonly failure: Failure };

export type Order<K extends TreeOrder["kind"]> = Extract<TreeOrder, { kind: K }>;
export type Reply<K extends TreeReply["kind"]> = Extract<TreeReply, { kind: K }>;
/** How a job answers. What it transfers it has no more. */
export type Tell = (reply: TreeReply, transfer?: ArrayBuffer[]) => void;

export type Failure =
	| { readonly fault: FaultOptions }
	| { readonly errno: number; readonly call: string }
	| { readonly bug: string };

/** An error of this thread's, for the other one: only what it is made of gets there. */
export function failureOf(error: unknown): Failure {
	if (error instanceof LinuxError) return { errno: error.errno, call: error.call };
	if (isSystemError(error))
		return { errno: Math.abs(error.errno), call: [error.syscall, error.path].filter(Boolean).join(" ") };
	if (!(error instanceof Fault))
		return { bug: error instanceof Error ? (error.stack ?? error.message) : String(error) };
	const { code, reason, domain, message, help, field, metadata } = error;
	return { fault: { code, reason, domain, message, help, field, metadata } };
}

/** One of Node's own: a full disk is not a bug, whoever found it. */
function isSystemError(error: unknown): error is Error & { errno: number; syscall?: string; path?: string } {
	return (
		error instanceof Error && "errno" in error && typeof error.errno === "number" && !(error instanceof LinuxError)
	);
}

export function errorOf(failure: Failure): Error {
	if ("fault" in failure) return new Fault(failure.fault);
	return "errno" in failure ? new LinuxError(failure.errno, failure.call) : new Error(failure.bug);
}
