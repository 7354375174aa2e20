/**
 * Mounting what may wait for a server: by mount(8), a process that can be ended meanwhile.
 *
 * It reads what to mount from a table in memory, so that a password is in no list of processes. Helpers of file systems are not run
 * (`-i`): what they would add, the address of the server, is added here.
 */
import { lookup } from "node:dns/promises";
import { closeSync } from "node:fs";
import { isIP } from "node:net";
import { start } from "#lib/exec/run.ts";
import { memoryFile } from "#lib/linux/memory-file.ts";
import type { MountOptions } from "../local-options.ts";

/** Where a child has the first of its extra descriptors. */
const TABLE = "/proc/self/fd/3";

const NFS = /^nfs4?$/;
const SMB = /^(?:cifs|smb3)$/;

interface Bounds {
	readonly signal: AbortSignal;
	readonly boundMs: number;
}

/** Throws an Error with what mount(8) says, or that it took too long; then its process is gone. */
export async function mountByProgram(
	options: MountOptions,
	target: string,
	{ signal, boundMs }: Bounds,
): Promise<void> {
	const bound = AbortSignal.timeout(boundMs);
	const words = await withAddress(options, bound);
	const line = [options.device, target, options.type, words.join(",") || "defaults"].map(escaped).join(" ");
	const table = memoryFile("mounts", `${line} 0 0\n`);
	try {
		const child = start("mount", ["-i", "-n", "-T", TABLE, "--", target], {
			stdout: "ignore",
			extra: [table],
			signal: AbortSignal.any([signal, bound]),
			graceMs: 0,
		});
		const { exitCode, stderr } = await child.done;
		signal.throwIfAborted();
		if (bound.aborted) throw tooLong(boundMs);
		if (exitCode !== 0) throw new Error(sentenceOf(stderr, target));
	} finally {
		closeSync(table);
	}
}

/** The kernel asks no resolver: a server's name is an address before it mounts. */
export async function withAddress(
	{ type, device, words }: Pick<MountOptions, "type" | "device" | "words">,
	signal: AbortSignal,
): Promise<string[]> {
	if (!NFS.test(type) && !SMB.test(type)) return [...words];
	const given = words.findIndex((word) => /^(?:addr|ip)=/.test(word));
	const [key = "addr", named] = given < 0 ? ["addr", hostOf(type, device)] : (words[given] ?? "").split(/=(.*)/s);
	if (named === undefined || named === "") return [...words];
	const word = `${key}=${isIP(named) === 0 ? await addressOf(named, signal) : named}`;
	return given < 0 ? [...words, word] : words.with(given, word);
}

/** `server:/path`, `[2001:db8::1]:/path`; `//server/share`. */
function hostOf(type: string, device: string): string | undefined {
	if (SMB.test(type)) return /^(?:[a-z]+:)?\/\/(?:[^/@]*@)?([^/]+)/i.exec(device)?.[1];
	const parts = /^(?:\[([^\]]+)\]|([^:/]+)):/.exec(device);
	return parts?.[1] ?? parts?.[2];
}

async function addressOf(name: string, signal: AbortSignal): Promise<string> {
	const late = Promise.withResolvers<never>();
	const onLate = (): void => late.reject(new Error(`nobody says in time which address ${name} has`));
	signal.addEventListener("abort", onLate, { once: true });
	try {
		const { address } = await Promise.race([lookup(name), late.promise]);
		return address;
	} catch (error) {
		throw signal.aborted ? error : new Error(`the name ${name} has no address`, { cause: error });
	} finally {
		signal.removeEventListener("abort", onLate);
	}
}

function tooLong(boundMs: number): Error {
	return Object.assign(new Error(`there was no answer within ${boundMs / 1000} s`), { code: "ETIMEDOUT" });
}

/** fstab(5) writes what would end a field, or make it a remark, as three octal digits. */
function escaped(field: string): string {
	return field.replace(/[\s\\#]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}`);
}

/** mount(8) begins with its name and the target, and goes on with hints for another tool. */
function sentenceOf(stderr: string, target: string): string {
	const [first = ""] = stderr.trim().split("\n");
	return first.replace("mount: ", "").replace(`${target}: `, "") || "mount(8) failed without a word";
}
