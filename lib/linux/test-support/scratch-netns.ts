/** Throw-away network namespaces for kernel tests, and other programs to look into them. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNetns, removeNetns } from "../netns.ts";

export class ScratchNetns implements Disposable {
	readonly #directory = mkdtempSync(join(tmpdir(), "wharf-netns-"));
	readonly #paths: string[] = [];

	/** Makes a namespace that is removed with this object, and answers with its path. */
	create(name: string): string {
		const path = join(this.#directory, name);
		createNetns(path);
		this.#paths.push(path);
		return path;
	}

	[Symbol.dispose](): void {
		for (const path of this.#paths) removeNetns(path);
		rmSync(this.#directory, { recursive: true });
	}
}

/** Runs a program inside the namespace at `path` and answers with what it prints. */
export function runIn(path: string, file: string, ...args: readonly string[]): string {
	return execFileSync("nsenter", [`--net=${path}`, "--", file, ...args], { encoding: "utf8", stdio: "pipe" });
}

/** What `ip -j …` prints. */
// oxlint-disable-next-line typescript/no-explicit-any -- the JSON of another program, of which tests look at single fields
export function ipJson(path: string, ...args: readonly string[]): any[] {
	const output = runIn(path, "ip", "-j", "-d", ...args);
	return output.trim() === "" ? [] : JSON.parse(output);
}

/** What `nft -j …` prints, without the metainfo. */
// oxlint-disable-next-line typescript/no-explicit-any -- as above
export function nftJson(path: string, ...args: readonly string[]): any[] {
	// oxlint-disable-next-line typescript/no-explicit-any -- as above
	const answer: { nftables: any[] } = JSON.parse(runIn(path, "nft", "-j", ...args));
	return answer.nftables.filter((entry) => !("metainfo" in entry));
}
