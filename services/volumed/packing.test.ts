import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import type { Compression } from "./job.ts";
import { JobControl } from "./job-control.ts";
import type { Archiver } from "./kernel/archiver.ts";
import { packed } from "./packing.ts";
import { parseVolumeName } from "./volume.ts";

/** A tree without an end, which takes its time to close what it has open. */
function endless(told: string[]): Archiver {
	const packing = {
		progress: { entries: 1, bytes: 1 },
		async *tree(): AsyncGenerator<Buffer> {
			for (;;) {
				yield randomBytes(1024 * 1024);
				await sleep(20);
			}
		},
		[Symbol.asyncDispose]: async () => {
			await sleep(100);
			told.push("closed");
		},
	};
	return { pack: async () => packing } as unknown as Archiver; // what a pack needs of one
}

test.each<Compression>(["none", "zstd", "gzip"])(
	"who stops reading an archive (%s) has waited for the tree to be closed",
	async (compression) => {
		const told: string[] = [];
		const archive = packed({
			archiver: endless(told),
			content: { path: "/", warnings: [] },
			spec: {
				...{ requestId: "", target: { kind: "stream" }, pause: false, compression, level: undefined },
				volume: parseVolumeName("data"),
				patterns: { include: [], exclude: [] },
			},
			counts: undefined,
			moment: undefined,
			createdAt: new Date(0),
			control: new JobControl(new AbortController().signal),
			target: undefined,
		});
		await archive.next();
		await archive.return(undefined as never);
		expect(told).toEqual(["closed"]);
	},
);
