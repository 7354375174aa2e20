/** `volume backup`, whole, against services that answer as told. */
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Container, ContainerServiceService, type ExecRequest } from "#gen/wharf/container/v1/container.ts";
import {
	BackupResult,
	BackupServiceService,
	type BackupVolumeRequest,
	type BackupVolumesRequest,
	type BackupVolumesResponse,
	type ListVolumesRequest,
	Volume,
	VolumeServiceService,
} from "#gen/wharf/volume/v1/volume.ts";
import { Fault } from "#lib/fault/fault.ts";
import { bidi, type Implementation, serverStream } from "#lib/rpc/handler.ts";
import { answers, stage } from "../testing/services.ts";

type Told = NonNullable<BackupVolumesResponse["part"]>;

const whole = <T>(message: T): T => message;
const VOLUMES = [
	Volume.fromPartial({ name: "data", containerIds: ["1", "2"] }),
	Volume.fromPartial({ name: "logs", containerIds: ["2", "9"] }),
];
const done = (volume: string): Told => {
	const path = `/b/${volume}-x.tar`;
	return {
		$case: "done",
		value: BackupResult.fromPartial({ volume, path, entries: 2n, storedBytes: 10n, manifestSha256: "ab" }),
	};
};

/** What was done, in its order. */
let acts: string[];
let listed: ListVolumesRequest | undefined;
let asked: BackupVolumesRequest | BackupVolumeRequest | undefined;
let containers: Container[];
/** The status that a command ends with; `hang`: it does not end. */
let statuses: Map<string, number | "hang">;
let told: readonly Told[];
/** A backup of one does not end. */
let hangs: boolean;
/** Undefined: volumed does not say whether it has ended. */
let awaitJobs: (() => void) | undefined;
let here: ReturnType<typeof stage>;

beforeEach(async () => {
	acts = [];
	[hangs, awaitJobs] = [false, undefined];
	[asked, listed, containers, statuses] = [undefined, undefined, [], new Map()];
	told = [done("data"), done("logs"), { $case: "result", value: { done: 2, failed: 0, moments: [] } }];
	here = stage();
	const volumes = answers(VolumeServiceService, {
		listVolumes: (request) => {
			listed = request;
			return { volumes: VOLUMES, nextPageToken: "" };
		},
		getVolume: ({ name }) => {
			const volume = VOLUMES.find((volume) => volume.name === name);
			if (volume !== undefined) return { volume };
			const message = `There is no volume ${name}.`;
			throw new Fault({ code: "NOT_FOUND", reason: "VOLUME_NOT_FOUND", domain: "volumed", message });
		},
	});
	await here.serve("volumed", volumes, backups());
	const list = answers(ContainerServiceService, { listContainers: () => ({ containers, nextPageToken: "" }) });
	const { definition, handlers } = execs();
	const both = { definition: { ...list.definition, ...definition }, handlers: { ...list.handlers, ...handlers } };
	await here.serve("gateway", both);
});
afterEach(() => here[Symbol.asyncDispose]());

function backups(): Implementation {
	const { backupVolumes, backupVolume } = BackupServiceService;
	const several = async function* (request: BackupVolumesRequest) {
		acts.push("backup");
		asked = request;
		for (const part of told) yield { part };
	};
	const one = async function* (request: BackupVolumeRequest, { signal }: { readonly signal: AbortSignal }) {
		acts.push("backup");
		asked = request;
		if (hangs) await once(signal, "abort");
		const [first] = told;
		if (first?.$case === "done") yield { part: { $case: "result" as const, value: first.value } };
	};
	const handlers = {
		backupVolumes: serverStream({ parse: whole<BackupVolumesRequest>, run: several, render: whole }),
		backupVolume: serverStream({ parse: whole<BackupVolumeRequest>, run: one, render: whole }),
	};
	const ended = answers(BackupServiceService, {
		awaitJobs: ({ ofRequestId }) => {
			if (awaitJobs === undefined || ofRequestId !== asked?.requestId) throw new Error("it has not ended");
			awaitJobs();
			return {};
		},
	});
	return {
		definition: { backupVolumes, backupVolume, ...ended.definition },
		handlers: { ...handlers, ...ended.handlers },
	};
}

function execs(): Implementation {
	const run = async function* (requests: AsyncIterable<ExecRequest>) {
		for await (const { part } of requests) {
			if (part?.$case === "end") {
				acts.push("ended");
				yield { part: { $case: "exitCode" as const, value: 143 } };
				return;
			}
			if (part?.$case !== "spec") continue;
			const { container, command } = part.value;
			expect(command.slice(0, 2)).toEqual(["sh", "-c"]);
			acts.push(`${container}: ${command[2]}`);
			yield { part: { $case: "stderr" as const, value: Buffer.from(`this is ${container}\n`) } };
			const status = statuses.get(command[2] ?? "") ?? 0;
			if (status === "hang") continue;
			yield { part: { $case: "exitCode" as const, value: status } };
			return;
		}
	};
	const handlers = { exec: bidi({ parse: whole<ExecRequest>, run, render: whole }) };
	return { definition: { exec: ContainerServiceService.exec }, handlers };
}

function container(id: string, name: string, labels: Record<string, string>): Container {
	return Container.fromPartial({ id, spec: { name, labels } });
}

const backup = (...args: string[]) => here.wharf(["volume", "backup", ...args]);

describe("several volumes", () => {
	test("each is told as it is there", async () => {
		const { status, out, err } = await backup("data", "logs", "data", "--to", "b", "--keep-last", "2", "--zstd");
		expect([status, err]).toEqual([0, ""]);
		expect(out).toBe(
			"/b/data-x.tar: 2 entries, 10B, manifest sha256 ab\n/b/logs-x.tar: 2 entries, 10B, manifest sha256 ab\n",
		);
		const retention = { last: 2, hourly: 0, daily: 0, weekly: 0, monthly: 0 };
		const compression = "COMPRESSION_ZSTD";
		expect(asked).toMatchObject({ volumes: ["data", "logs"], directory: "/home/me/b", retention, compression });
	});

	test("one that fails is told at the end, and the status says so", async () => {
		const failed = { volume: "logs", reason: "DISK_FULL", message: "The disk is full." };
		const moments = [{ volumes: ["data"], paused: ["web", "db"], pausedMs: 12 }];
		told = [
			{ $case: "failed", value: failed },
			done("data"),
			{ $case: "result", value: { done: 1, failed: 1, moments } },
		];
		const { status, out, err } = await backup("--all", "--to", "/b");
		expect([status, out]).toEqual([1, "/b/data-x.tar: 2 entries, 10B, manifest sha256 ab\n"]);
		expect(err).toBe(
			"paused web, db for 12 ms\nwharf: 1 of 2 volumes could not be archived:\n  logs: The disk is full.\n",
		);
		expect(listed).toMatchObject({ labels: {}, drivers: [], namePatterns: [] });
	});

	test("names that no volume has keep all from it, and are told together", async () => {
		const { status, out, err } = await backup("data", "nosuch", "logs", "neither", "--to", "/b");
		expect([status, out, acts]).toEqual([1, "", []]);
		expect(err).toBe(
			"wharf: There is no volume neither or nosuch.\nNothing was archived, of no volume; `wharf volume ls` lists what there is.\n",
		);
	});

	test("filters are those of `volume ls`", async () => {
		await backup("--filter", "label=team=blue", "--filter", "name=^d", "--to", "/b");
		expect(listed).toMatchObject({ labels: { team: "blue" }, namePatterns: ["^d"] });
		expect((await backup("--filter", "lable=x", "--to", "/b")).err).toContain("did you mean label?");
	});

	test.each([
		[["--to", "/b"], "needs the names of volumes, --filter or --all"],
		[["data", "--all", "--to", "/b"], "one of the three"],
		[["data", "logs", "-o", "x.tar"], "--to DIR for several volumes"],
		[["--all", "-o", "x.tar"], "--to DIR for several volumes"],
		[["data", "-o", "x.tar.xz"], '".xz" is not valid: it has to be one of .tar, .tar.zst and .tar.gz'],
		[["data", "-o", "x.tbz2"], '".tbz2" is not valid'],
		[["data", "--to", "/b", "--before", "web"], "'CONTAINER: COMMAND'"],
		[["data", "--to", "/b", "--hook-timeout", "0"], "1 to 86400 seconds"],
	])("%j is refused", async (args, words) => {
		const { status, err } = await backup(...args);
		expect([status, acts]).toEqual([1, []]);
		expect(err).toContain(words);
	});
});

test("an archive is not written to a terminal", async () => {
	here.outIsTty = true;
	const { status, err } = await backup("data", "-o", "-");
	expect([status, acts, err]).toEqual([
		1,
		[],
		'wharf: Standard output "a terminal" is not valid: it has to be a file or a pipe.\n',
	]);
});

describe("given up while it is made", () => {
	const givenUp = async (...args: string[]) => {
		hangs = true;
		const interrupt = new AbortController();
		const ended = here.wharf(["volume", "backup", "data", "-o", "x.tar", ...args], "", interrupt.signal);
		await expect.poll(() => acts).toContain("backup");
		interrupt.abort("SIGINT");
		return await ended;
	};

	test("the command waits until volumed has ended it, and then runs what is to be run afterwards", async () => {
		awaitJobs = () => void acts.push("ended");
		const { status, err } = await givenUp("--after", "web: go");
		expect([status, err]).toEqual([130, "wharf: Interrupted: no archive was written.\n"]);
		expect(acts).toEqual(["backup", "ended", "web: go"]);
	});

	test("what may be left is said when volumed does not end it", async () => {
		const { status, err } = await givenUp();
		expect(status).toBe(130);
		expect(err).toContain("volumed is not done with giving it up.");
	});
});

describe("commands in containers", () => {
	beforeEach(() => {
		containers = [
			container("2", "web", { "wharf.backup.before": "flush", "wharf.backup.after": "go" }),
			container("1", "db", { "wharf.backup.before": "dump", "wharf.backup.after": "drop" }),
			container("3", "other", { "wharf.backup.before": "never" }),
		];
	});

	test("are run around it, in those that have the volumes", async () => {
		const { status, err } = await backup("data", "-o", "x.tar", "--before", "cache: save", "--after", "mail: send");
		expect([status, err]).toEqual([0, ""]);
		expect(acts).toEqual([
			...["db: dump", "web: flush", "cache: save", "backup"],
			...["web: go", "db: drop", "mail: send"],
		]);
	});

	test("that labels say are left out with --no-hooks", async () => {
		await backup("data", "-o", "x.tar", "--no-hooks", "--before", "web: mine");
		expect(acts).toEqual(["web: mine", "backup"]);
	});

	test("one before that fails keeps it from being made, and is told", async () => {
		statuses.set("flush", 3);
		const { status, out, err } = await backup("data", "logs", "--to", "/b");
		expect([status, out]).toEqual([1, ""]);
		expect(acts).toEqual(["db: dump", "web: flush", "web: go", "db: drop"]);
		expect(err).toBe("this is web\nwharf: In web `flush` ended with status 3.\n");
	});

	test("one that takes too long is ended", async () => {
		statuses.set("dump", "hang");
		const { status, err } = await backup("data", "--to", "/b", "--hook-timeout", "1");
		expect([status, acts]).toEqual([1, ["db: dump", "ended", "db: drop"]]);
		expect(err).toContain("In db `dump` was not done within 1 s, and was ended.");
	});

	test("one after that fails is told; the others are run, and the archive is there", async () => {
		statuses.set("go", 1);
		const { status, out, err } = await backup("data", "--to", "/b");
		expect([status, out, acts.slice(2)]).toEqual([
			1,
			"/b/data-x.tar: 2 entries, 10B, manifest sha256 ab\n",
			["backup", "web: go", "db: drop"],
		]);
		expect(err).toContain("In web `go` ended with status 1.");
	});

	test("those after are run when it was given up", async () => {
		statuses.set("flush", "hang");
		const interrupt = new AbortController();
		const ended = here.wharf(["volume", "backup", "data", "--to", "/b"], "", interrupt.signal);
		await expect.poll(() => acts).toContain("web: flush");
		interrupt.abort("SIGINT");
		const { status, err } = await ended;
		expect([status, err]).toEqual([130, "wharf: Interrupted: no archive was written.\n"]);
		expect(acts).toEqual(["db: dump", "web: flush", "ended", "web: go", "db: drop"]);
	});
});
