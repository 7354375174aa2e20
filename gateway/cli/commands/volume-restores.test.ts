/** `volume restore` and `volume clone`, whole, against a volumed that answers as told. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
	BackupResult,
	BackupServiceService,
	type CloneVolumeRequest,
	RestorePlan,
	type RestoreVolumeRequest,
	type RestoreVolumeResponse,
} from "#gen/wharf/volume/v1/volume.ts";
import { bidi, serverStream } from "#lib/rpc/handler.ts";
import { stage } from "../testing/services.ts";

const RESULT = BackupResult.fromPartial({ entries: 3n, bytes: 2_000n, verified: true, warnings: ["a: told"] });
const { restoreVolume, cloneVolume } = BackupServiceService;

let here: ReturnType<typeof stage>;
let asked: object[];
beforeEach(() => {
	asked = [];
	here = stage();
});
afterEach(() => here[Symbol.asyncDispose]());

const whole = <T>(message: T): T => message;

async function serve(end: RestoreVolumeResponse["part"]): Promise<void> {
	const restore = bidi({
		parse: (message: RestoreVolumeRequest) => message,
		async *run(messages: AsyncIterable<RestoreVolumeRequest>) {
			for await (const { part } of messages) if (part?.$case === "spec") asked.push(part.value);
			yield { part: end };
		},
		render: whole<RestoreVolumeResponse>,
	});
	const clone = serverStream({
		parse: (message: CloneVolumeRequest) => message,
		async *run(message: CloneVolumeRequest) {
			asked.push(message);
			yield { part: { $case: "result" as const, value: { ...RESULT, paused: ["web"], pausedMs: 12 } } };
		},
		render: whole,
	});
	const handlers = { restoreVolume: restore, cloneVolume: clone };
	await here.serve("volumed", { definition: { restoreVolume, cloneVolume }, handlers });
}

describe("volume restore", () => {
	test("tells volumed what is asked, and the user what came of it", async () => {
		await serve({ $case: "result", value: RESULT });
		const more = ["--subpath", "etc/app", "--max-expansion", "9000"];
		const args = ["volume", "restore", "data", "a.tar", "--merge", ...more];
		const { status, out, err } = await here.wharf(args);
		expect([status, out, err]).toEqual([0, "data: 3 entries, 2kB, verified\n", "a: told\n"]);
		const path = "/home/me/a.tar";
		expect(asked).toMatchObject([
			{ volume: "data", path, merge: true, replace: false, subpath: "etc/app", dryRun: false, maxExpansion: 9000 },
		]);
	});

	test("--dry-run tells what is different", async () => {
		const differences = [{ path: "x", what: "it is not in the volume" }];
		const plan = RestorePlan.fromPartial({ result: RESULT, differences, differenceCount: 3n });
		await serve({ $case: "plan", value: plan });
		const { out } = await here.wharf(["volume", "restore", "data", "a.tar", "--replace", "--dry-run"]);
		const last = "data: 3 entries, 2kB, verified; nothing was changed\n";
		expect(out).toBe(`x: it is not in the volume\nand 2 more\n${last}`);
		expect(asked).toMatchObject([{ replace: true, dryRun: true }]);
	});

	test("two modes at once are refused before anything is asked", async () => {
		await serve(undefined);
		const { status, err } = await here.wharf(["volume", "restore", "data", "a.tar", "--replace", "--merge"]);
		expect([status, asked]).toEqual([1, []]);
		expect(err).toContain("--replace and --merge");
	});

	test.each(["0", "-1", "1e3", "4294967296", ""])(
		"an expansion of %j is refused before anything is asked",
		async (times) => {
			await serve(undefined);
			const { status, err } = await here.wharf(["volume", "restore", "data", "a.tar", `--max-expansion=${times}`]);
			expect([status, asked]).toEqual([1, []]);
			expect(err).toContain("a whole number from 1 to 4294967295");
		},
	);
});

test("volume clone: labels and options", async () => {
	await serve(undefined);
	const { out, err } = await here.wharf(["volume", "clone", "data", "new", "--label", "team=blue", "--with-options"]);
	expect([out, err]).toEqual(["new: 3 entries, 2kB\n", "a: told\npaused web for 12 ms\n"]);
	expect(asked).toMatchObject([{ volume: "data", target: "new", labels: { team: "blue" }, withOptions: true }]);
});
