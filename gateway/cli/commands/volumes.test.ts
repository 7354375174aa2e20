/** The commands of volumes, whole, against services that answer as told. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Container, ContainerServiceService } from "#gen/wharf/container/v1/container.ts";
import {
	AttachmentServiceService,
	MountSpec,
	PublicationServiceService,
	ResolvedMount,
	Volume,
	VolumeServiceService,
} from "#gen/wharf/volume/v1/volume.ts";
import { answers, stage } from "../testing/services.ts";

/** Every request, by its method; without the ids, which are random. */
let asked: [method: string, request: object][];
let here: ReturnType<typeof stage>;
beforeEach(() => {
	asked = [];
	here = stage();
});
afterEach(() => here[Symbol.asyncDispose]());

function noting<Q extends object, A>(method: string, answer: A): (request: Q) => A {
	return (request) => {
		const { requestId, ...rest } = { requestId: undefined, ...request };
		asked.push([method, rest]);
		expect(requestId ?? "none").not.toBe("");
		return answer;
	};
}

const DATA = Volume.fromPartial({
	name: "data",
	driver: "local",
	labels: { team: "blue" },
	mountpoint: "/v/data/_data",
	containerIds: ["c1", "c2"],
});
const USED = { ...DATA, usage: { bytes: 1_536n, files: 12n } };

describe("volume prune", () => {
	const answer = { names: ["a", "b"], reclaimedBytes: 1_500n, problems: [] as string[] };
	const serve = (given = answer) =>
		here.serve("volumed", answers(VolumeServiceService, { pruneVolumes: noting("prune", given) }));
	const NOTHING = { all: false, dryRun: false, labels: {}, withoutLabels: {}, until: undefined };

	test("asks before, and takes y for an answer", async () => {
		await serve();
		const { status, out, err } = await here.wharf(["volume", "prune"], "y\n");
		expect([status, out]).toEqual([0, "Deleted Volumes:\na\nb\n\nTotal reclaimed space: 1.5kB\n"]);
		expect(err).toBe(
			"WARNING! This removes local volumes without a name that nobody uses, and what is in them.\nGo on? [y/N] ",
		);
		expect(asked).toEqual([["prune", NOTHING]]);
	});

	test.each(["", "\n", "n\n", "yellow\n", "\ny\n"])("%j is no", async (typed) => {
		await serve();
		const { status, out, err } = await here.wharf(["volume", "prune", "-a"], typed);
		expect([status, out, asked]).toEqual([1, "", []]);
		expect(err).toContain("all local volumes");
		expect(err).toContain("wharf: Nothing was done.");
	});

	test("-f does not ask, and filters are told", async () => {
		await serve({ ...answer, names: [], reclaimedBytes: 0n });
		const filters = ["label=a", "label=b=1", "label!=keep", "until=2026-01-01T00:00:00Z", "until=2025-01-01T00:00:00Z"];
		const { out, err } = await here.wharf(["volume", "prune", "-af", ...filters.flatMap((one) => ["--filter", one])]);
		expect([out, err]).toEqual(["Total reclaimed space: 0B\n", ""]);
		const labels = { labels: { a: "", b: "1" }, withoutLabels: { keep: "" } };
		expect(asked).toEqual([["prune", { ...NOTHING, all: true, ...labels, until: new Date("2025-01-01T00:00:00Z") }]]);
	});

	test("--dry-run only tells", async () => {
		await serve();
		const { out } = await here.wharf(["volume", "prune", "--dry-run"]);
		expect(out).toBe("Volumes that would be deleted:\na\nb\n\nTotal reclaimable space: 1.5kB\n");
		expect(asked).toEqual([["prune", { ...NOTHING, dryRun: true }]]);
	});

	test("what could not go is told, and the status says so", async () => {
		await serve({ ...answer, problems: ["The volume c is busy."] });
		expect(await here.wharf(["volume", "prune", "-f"])).toMatchObject({ status: 1, err: "The volume c is busy.\n" });
	});

	test("an unknown filter is told before anything is asked", async () => {
		const { status, err } = await here.wharf(["volume", "prune", "--filter", "lable=a"]);
		expect([status, err]).toEqual([
			1,
			'wharf: There is no filter "lable"; did you mean label? There are label, label!, until.\n',
		]);
	});
});

describe("volume ls and inspect", () => {
	const NO_FILTER = { names: [], labels: {}, drivers: [], namePatterns: [], anonymous: undefined };
	const serve = (volume: Volume) =>
		here.serve(
			"volumed",
			answers(VolumeServiceService, {
				listVolumes: noting("list", { volumes: [volume], nextPageToken: "" }),
				getVolume: noting("get", { volume }),
			}),
		);

	test("filters go to volumed", async () => {
		await serve(DATA);
		const filters = ["dangling=false", "driver=local", "driver=sshfs", "label=team", "name=^da", "name=x$"];
		const { out } = await here.wharf(["volume", "ls", ...filters.flatMap((one) => ["-f", one])]);
		expect(out).toBe("DRIVER   VOLUME NAME\nlocal    data\n");
		expect(asked).toMatchObject([
			[
				"list",
				{
					...NO_FILTER,
					labels: { team: "" },
					drivers: ["local", "sshfs"],
					dangling: false,
					namePatterns: ["^da", "x$"],
					withUsage: false,
				},
			],
		]);
	});

	test("without filters none is sent", async () => {
		await serve(DATA);
		await here.wharf(["volume", "ls"]);
		expect(asked).toMatchObject([["list", { ...NO_FILTER, dangling: undefined, withUsage: false }]]);
	});

	test("how much is in each", async () => {
		await serve(USED);
		const { out } = await here.wharf(["volume", "ls", "--size"]);
		expect(out).toBe("DRIVER   VOLUME NAME   SIZE      FILES\nlocal    data          1.536kB   12\n");
		const { out: line } = await here.wharf(["volume", "ls", "--size", "--format", "json"]);
		expect(JSON.parse(line)).toMatchObject({ Name: "data", Size: "1.536kB", Files: "12" });
		expect(asked).toMatchObject([
			["list", { withUsage: true }],
			["list", { withUsage: true }],
		]);
	});

	test("an unknown filter is answered with the known ones", async () => {
		const { status, err } = await here.wharf(["volume", "ls", "--filter", "dangeling=true"]);
		expect(status).toBe(1);
		expect(err).toContain("did you mean dangling? There are dangling, driver, label, name.");
	});

	test("inspect has what there is", async () => {
		await serve(DATA);
		const [plain] = JSON.parse((await here.wharf(["volume", "inspect", "data"])).out);
		expect(plain).toEqual({
			CreatedAt: "",
			Driver: "local",
			Labels: { team: "blue" },
			Mountpoint: "/v/data/_data",
			Name: "data",
			Options: {},
			Scope: "local",
		});
		expect(asked).toEqual([["get", { name: "data", withUsage: false }]]);
	});

	test("and its status, usage and places where there are some", async () => {
		await serve({ ...USED, status: { size: "10g" }, publishedAt: ["/srv/data"] });
		const [full] = JSON.parse((await here.wharf(["volume", "inspect", "--size", "data"])).out);
		expect(full).toMatchObject({
			Status: { size: "10g" },
			PublishedAt: ["/srv/data"],
			UsageData: { Size: 1_536, RefCount: 2, Files: 12 },
		});
		expect(asked).toEqual([["get", { name: "data", withUsage: true }]]);
	});
});

describe("volume rename and update", () => {
	const serve = () =>
		here.serve(
			"volumed",
			answers(VolumeServiceService, {
				renameVolume: noting("rename", { volume: { ...DATA, name: "new" } }),
				updateVolume: noting("update", { volume: DATA }),
			}),
		);

	test("rename", async () => {
		await serve();
		expect(await here.wharf(["volume", "rename", "data", "new"])).toEqual({ status: 0, out: "new\n", err: "" });
		expect(asked).toEqual([["rename", { name: "data", newName: "new" }]]);
	});

	test("update", async () => {
		await serve();
		const flags = ["--label", "a=1", "--label", "b", "--label-rm", "c"];
		expect(await here.wharf(["volume", "update", "data", ...flags])).toMatchObject({ status: 0, out: "data\n" });
		expect(asked).toEqual([["update", { name: "data", setLabels: { a: "1", b: "" }, removeLabels: ["c"] }]]);
	});

	test.each([
		[[], "needs --label KEY=VALUE or --label-rm KEY"],
		[["--label", "a=1", "--label-rm", "a"], "it has to be set or removed, not both."],
		[["--label", "=1"], "it has to be KEY=VALUE."],
	])("update %j is refused", async (flags, words) => {
		expect(await here.wharf(["volume", "update", "data", ...flags])).toMatchObject({
			status: 1,
			err: expect.stringContaining(words),
		});
	});
});

describe("volume publish", () => {
	const serve = (unpublished: boolean) =>
		here.serve(
			"volumed",
			answers(PublicationServiceService, {
				publishVolume: (request) => {
					const { path, volume, subpath, readOnly, holder } = request;
					noting("publish", undefined)(request);
					return { publication: { path, volume, subpath, readOnly, holder, createdAt: undefined } };
				},
				unpublishVolume: noting("unpublish", { unpublished }),
			}),
		);

	test("a part of it, below where the command line is", async () => {
		await serve(true);
		const { out } = await here.wharf(["volume", "publish", "data", "shown", "--subpath", "a/b", "--ro"]);
		expect(out).toBe("/home/me/shown\n");
		const request = { holder: "wharf", volume: "data", path: "/home/me/shown", subpath: "a/b", readOnly: true };
		expect(asked).toEqual([["publish", request]]);
	});

	test("and away again", async () => {
		await serve(true);
		expect(await here.wharf(["volume", "unpublish", "../shown"])).toEqual({ status: 0, out: "/home/shown\n", err: "" });
		expect(asked).toEqual([["unpublish", { path: "/home/shown" }]]);
	});

	test("where nothing is, that is said", async () => {
		await serve(false);
		const ended = await here.wharf(["volume", "unpublish", "/x"]);
		expect(ended).toEqual({ status: 0, out: "", err: "Nothing was published at /x.\n" });
	});
});

describe("volume mount", () => {
	const id = "c".repeat(64);
	const mount = MountSpec.fromPartial({ destination: "/data", readOnly: true });
	const serve = async (pid: number, unmounted = true) => {
		const live = { id: "", pid, mount: ResolvedMount.fromPartial({ destination: "/data" }) };
		const container = Container.fromPartial({ id, pid, spec: { name: "web" } });
		await here.serve("gateway", answers(ContainerServiceService, { getContainer: noting("container", { container }) }));
		await here.serve(
			"volumed",
			answers(AttachmentServiceService, {
				parseMounts: noting("parse", { mounts: [mount] }),
				mountInto: noting("mount", { mount: live }),
				unmountFrom: noting("unmount", { unmounted }),
			}),
		);
	};

	test.each([
		["data:/data:ro", "MOUNT_GRAMMAR_VOLUME"],
		["type=volume,src=data,dst=/data,ro", "MOUNT_GRAMMAR_MOUNT"],
	])("%s, of the gateway's and in its process", async (text, grammar) => {
		await serve(4711);
		expect(await here.wharf(["volume", "mount", "web", text])).toEqual({ status: 0, out: "/data\n", err: "" });
		const party = { holder: "gateway", containerId: id, containerName: "web", pid: 4711 };
		expect(asked).toEqual([
			["parse", { texts: [{ grammar, text }], workingDirectory: "/home/me", volumeDriver: "" }],
			["container", { container: "web" }],
			["mount", { ...party, mount }],
		]);
	});

	test("not into one that does not run", async () => {
		await serve(0);
		const { status, err } = await here.wharf(["volume", "mount", "web", "data:/data"]);
		expect([status, err]).toEqual([1, "wharf: Container web does not run.\n`wharf start web` starts it.\n"]);
		expect(asked.map(([method]) => method)).not.toContain("mount");
	});

	test("and away again", async () => {
		await serve(4711);
		expect(await here.wharf(["volume", "unmount", "web", "/data"])).toMatchObject({ status: 0, out: "/data\n" });
		expect(asked.at(-1)).toEqual(["unmount", { holder: "gateway", containerId: id, destination: "/data" }]);
	});

	test("where nothing is, that is said", async () => {
		await serve(4711, false);
		const { status, out, err } = await here.wharf(["volume", "umount", "web", "/x"]);
		expect([status, out]).toEqual([0, ""]);
		expect(err).toBe("Nothing was mounted at /x of web by `wharf volume mount`.\n");
	});
});

test("run asks volumed about its mounts, and makes the container with the answer", async () => {
	const mounts = [MountSpec.fromPartial({ destination: "/data" })];
	await here.serve("volumed", answers(AttachmentServiceService, { parseMounts: noting("parse", { mounts }) }));
	const container = Container.fromPartial({ id: "c1" });
	const createContainer = noting<object, { container: Container; warnings: string[] }>("create", {
		container,
		warnings: [],
	});
	await here.serve("gateway", answers(ContainerServiceService, { createContainer }));
	const ended = await here.wharf(["create", "-v", "data:/data", "--volumes-from", "web:ro", "host", "true"]);
	expect(ended).toEqual({ status: 0, out: "c1\n", err: "" });
	expect(asked).toMatchObject([
		["parse", { texts: [{ grammar: "MOUNT_GRAMMAR_VOLUME", text: "data:/data" }] }],
		["create", { spec: { mounts, volumesFrom: [{ container: "web", readOnly: true }] } }],
	]);
});
