/** Requests of every kind with odd values in every field: each gets an answer or a fault that names what is wrong, and nothing stays. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
	AttachRequest,
	BindSource,
	CreateVolumeRequest,
	DetachRequest,
	ListAttachmentsRequest,
	ListPublicationsRequest,
	ListVolumesRequest,
	MountIntoRequest,
	MountSpec,
	ParseMountsRequest,
	PruneVolumesRequest,
	PublicationServiceService,
	PublishVolumeRequest,
	RenameVolumeRequest,
	TmpfsSource,
	UnmountFromRequest,
	UpdateVolumeRequest,
	VolumeSource,
} from "#gen/wharf/volume/v1/volume.ts";
import { Fault } from "#lib/fault/fault.ts";
import { client, type ClientOf } from "#lib/rpc/client.ts";
import { Daemon } from "./test-support/daemon.ts";

let daemon: Daemon;
let publications: ClientOf<typeof PublicationServiceService>;
beforeAll(async () => {
	daemon = new Daemon();
	await daemon.start();
	publications = client(PublicationServiceService, { unix: join(daemon.root, "run/volumed.sock") });
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "data" }));
});
afterAll(async () => {
	publications.close();
	await daemon[Symbol.asyncDispose]();
});

const LONG = "x".repeat(100_000);
const TEXTS = [
	...["", " ", "/", "//", ".", "..", "a/../b", "/../x", "-", "--", "\0", "a\0b", "\n", "\u{1f980}", "\uFFFD", "\u202e"],
	...[
		"data",
		"/dev/null",
		"/proc/self/mem",
		"/etc/passwd/x",
		"/proc/1/root/no/no",
		"__proto__",
		"constructor",
		"%s%n",
		"'; --",
	],
	...[LONG, `/${LONG}`, `/${"x".repeat(300)}`, `/${"a/".repeat(3_000)}`, `/tmp/${"\u{1f980}".repeat(70)}`],
];
const NUMBERS = [0, 1, 2 ** 31 - 1, 4_294_967_295];

const BUGS = new Set(["INTERNAL", "DEADLINE_EXCEEDED"]);

type Asking = readonly [what: string, ask: () => Promise<unknown>];
const odd = <T>(what: string, values: readonly T[], ask: (value: T) => Promise<unknown>): Asking[] =>
	values.map((value) => [
		`${what} ${JSON.stringify(value, (_, one) => (typeof one === "bigint" ? `${one}n` : one)).slice(0, 60)}`,
		() => ask(value),
	]);

const volume = (more: object = {}) => ({
	$case: "volume" as const,
	value: VolumeSource.fromPartial({ name: "data", noCopy: true, ...more }),
});
const bind = (more: object = {}) => ({
	$case: "bind" as const,
	value: BindSource.fromPartial({ path: "/tmp", ...more }),
});
const tmpfs = (more: object) => ({ $case: "tmpfs" as const, value: TmpfsSource.fromPartial(more) });

const mountAt = (destination: string, source: MountSpec["source"]) => ({
	...MountSpec.fromPartial({ destination }),
	source,
});

let container = 0;
async function attach(more: Partial<AttachRequest>): Promise<void> {
	const plain = AttachRequest.fromPartial({ holder: "test", containerId: `c${++container}` });
	const request = { ...plain, ...more };
	const { holder, containerId } = request;
	await daemon.attachments.attach(request);
	await daemon.attachments.detach(DetachRequest.fromPartial({ holder, containerId, removeAnonymous: true }));
}
const attachOne = (mount: object) => attach({ mounts: [MountSpec.fromPartial({ destination: "/x", ...mount })] });
const into = (more: Partial<MountIntoRequest>) => {
	const plain = MountIntoRequest.fromPartial({ holder: "test", containerId: "into", pid: 1 });
	return daemon.attachments.mountInto({ ...plain, mount: mountAt("/x", volume()), ...more });
};

const ASKINGS: readonly Asking[] = [
	...odd("create name", TEXTS, (name) =>
		daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: name || "-" })),
	),
	...odd("create driver", TEXTS, (driver) =>
		daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "odd", driver: driver || "x" })),
	),
	...odd("create option", TEXTS, (text) =>
		daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "odd", options: { [text]: text } })),
	),
	...["type", "o", "device", "size"].flatMap((key) =>
		odd(`create ${key}`, TEXTS, (text) =>
			daemon.volumes.createVolume(
				CreateVolumeRequest.fromPartial({ name: "odd2", options: { type: "tmpfs", device: "tmpfs", [key]: text } }),
			),
		),
	),
	...odd("create label", TEXTS, async (text) => {
		await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "labelled", labels: { [text]: text } }));
		await daemon.volumes.deleteVolume({ name: "labelled", requestId: "" });
	}),
	...odd("get", TEXTS, (name) => daemon.volumes.getVolume({ name, withUsage: true })),
	...odd(
		"delete",
		TEXTS.filter((text) => text !== "data"),
		(name) => daemon.volumes.deleteVolume({ name, requestId: "" }),
	),
	...odd("rename", TEXTS, (newName) =>
		daemon.volumes.renameVolume(RenameVolumeRequest.fromPartial({ name: "data", newName })),
	),
	...odd("update", TEXTS, (text) =>
		daemon.volumes.updateVolume(
			UpdateVolumeRequest.fromPartial({ name: "data", setLabels: { [text]: text }, removeLabels: [text] }),
		),
	),
	...odd("list", TEXTS, (text) =>
		daemon.volumes.listVolumes(
			ListVolumesRequest.fromPartial({ names: [text], labels: { [text]: text }, drivers: [text] }),
		),
	),
	...odd("list pattern", TEXTS, (text) =>
		daemon.volumes.listVolumes(ListVolumesRequest.fromPartial({ namePatterns: [text] })),
	),
	...odd("list token", TEXTS, (pageToken) => daemon.volumes.listVolumes(ListVolumesRequest.fromPartial({ pageToken }))),
	...odd("list size", NUMBERS, (pageSize) => daemon.volumes.listVolumes(ListVolumesRequest.fromPartial({ pageSize }))),
	...odd("prune", TEXTS, (text) =>
		daemon.volumes.pruneVolumes(
			PruneVolumesRequest.fromPartial({ dryRun: true, labels: { [text]: text }, withoutLabels: { [text]: text } }),
		),
	),
	...odd("prune until", [new Date(8.64e15), new Date(-8.64e15), new Date(0)], (until) =>
		daemon.volumes.pruneVolumes(PruneVolumesRequest.fromPartial({ dryRun: true, until })),
	),
	...odd("attach container", TEXTS, (containerId) => attach({ containerId })),
	...odd("attach holder", TEXTS, (holder) => attach({ holder })),
	...odd("attach cgroup", TEXTS, (cgroup) => attach({ cgroup })),
	...odd("attach name", TEXTS, (containerName) => attach({ containerName, mounts: [mountAt("/x", volume())] })),
	...odd("attach image", TEXTS, (imageRoot) =>
		attach({ imageRoot, mounts: [mountAt("/x", volume({ noCopy: false }))] }),
	),
	...odd("attach destination", TEXTS, (destination) =>
		attach({ imageRoot: "/", mounts: [mountAt(destination, volume())] }),
	),
	...odd("attach volume", TEXTS, (name) => attachOne({ source: volume({ name }) })),
	...odd("attach subpath", TEXTS, (subpath) => attachOne({ source: volume({ subpath }) })),
	...odd("attach driver", TEXTS, (driver) => attachOne({ source: volume({ name: "", driver }) })),
	...odd("attach bind", TEXTS, (path) => attachOne({ source: bind({ path }) })),
	...odd("attach bind made", ["/etc/passwd/x", "/proc/no/no", "/sys/no", `/tmp/${"x".repeat(300)}`], (path) =>
		attachOne({ source: bind({ path, create: true }) }),
	),
	...odd("attach propagation", TEXTS, (propagation) => attachOne({ source: bind({ propagation }) })),
	...odd("attach mode", TEXTS, (mode) => attachOne({ source: volume(), mode })),
	...odd("attach tmpfs", TEXTS, (option) => attachOne({ source: tmpfs({ options: [option] }) })),
	...odd("attach tmpfs mode", [0, 1, 0o7777, 4_294_967_295], (mode) => attachOne({ source: tmpfs({ mode }) })),
	...odd("attach tmpfs size", [1n, 2n ** 63n - 1n, 2n ** 64n - 1n], (sizeBytes) =>
		attachOne({ source: tmpfs({ sizeBytes }) }),
	),
	...odd("attach owners", [0, 1, 4_294_967_295], (id) =>
		attachOne({ source: volume(), ownerMap: { uids: [{ onDisk: id, seen: id, count: id }], gids: [] } }),
	),
	...odd("attach owners twice", [1, 2, 400], (many) =>
		attachOne({
			source: volume(),
			ownerMap: { uids: Array.from({ length: many }, () => ({ onDisk: 0, seen: 0, count: 5 })), gids: [] },
		}),
	),
	...odd("attach mounts of", TEXTS, (containerId) => attach({ mountsOf: [{ containerId, readOnly: false }] })),
	...odd("attach many", [2_000], (many) =>
		attach({ mounts: Array.from({ length: many }, (_, at) => mountAt(`/x/${at}`, volume())) }),
	),
	...odd("into pid", [0, 1, 2, 4_294_967_295], (pid) => into({ pid })),
	...odd("into destination", TEXTS, (destination) => into({ mount: mountAt(destination, volume()) })),
	...odd("into bind", TEXTS, (path) => into({ pid: process.pid, mount: mountAt("/x", bind({ path })) })),
	...odd("out of", TEXTS, (destination) =>
		daemon.attachments.unmountFrom(UnmountFromRequest.fromPartial({ holder: "test", containerId: "x", destination })),
	),
	...odd("attachments", TEXTS, (text) =>
		daemon.attachments.listAttachments(
			ListAttachmentsRequest.fromPartial({ holder: text, containerId: text, volume: text, pageToken: text }),
		),
	),
	...odd("attachments size", NUMBERS, (pageSize) =>
		daemon.attachments.listAttachments(ListAttachmentsRequest.fromPartial({ pageSize })),
	),
	...(
		["MOUNT_GRAMMAR_VOLUME", "MOUNT_GRAMMAR_MOUNT", "MOUNT_GRAMMAR_TMPFS", "MOUNT_GRAMMAR_UNSPECIFIED"] as const
	).flatMap((grammar) =>
		odd(
			grammar,
			[
				...TEXTS,
				...TEXTS.map((text) => `type=bind,src=${text},dst=${text}`),
				",".repeat(50_000),
				`"${'""'.repeat(20_000)}`,
				":".repeat(50_000),
			],
			(text) =>
				daemon.attachments.parseMounts(
					ParseMountsRequest.fromPartial({ texts: [{ grammar, text }], workingDirectory: "/", volumeDriver: text }),
				),
		),
	),
	...odd("publish at", TEXTS, (path) =>
		publications.publishVolume(
			PublishVolumeRequest.fromPartial({ holder: "test", volume: "data", path: path === "/" ? path : `${path}/no/no` }),
		),
	),
	...odd("publish part", TEXTS.slice(1), (subpath) =>
		publications.publishVolume(
			PublishVolumeRequest.fromPartial({
				holder: "test",
				volume: "data",
				path: "/tmp/wharf-odd",
				subpath: `${subpath}/no`,
			}),
		),
	),
	...odd("unpublish", TEXTS, (path) => publications.unpublishVolume({ path, requestId: "" })),
	...odd("publications", TEXTS, (text) =>
		publications.listPublications(ListPublicationsRequest.fromPartial({ volume: text, pageToken: text })),
	),
	...odd("publications size", NUMBERS, (pageSize) =>
		publications.listPublications(ListPublicationsRequest.fromPartial({ pageSize })),
	),
];

test("no odd value is a bug of volumed's, hangs, or stays", async () => {
	// Of this instance's alone: other files mount in this namespace meanwhile.
	const ownMounts = () =>
		readFileSync("/proc/self/mountinfo", "utf8")
			.split("\n")
			.filter((line) => line.includes(basename(daemon.root)) || line.includes("wharf-odd"));
	const mounts = ownMounts();
	const wrong: unknown[] = [];
	for (const [what, ask] of ASKINGS) {
		const refusal = await ask().then(
			() => undefined,
			(error: unknown) => error,
		);
		const isFine = refusal === undefined || (refusal instanceof Fault && !BUGS.has(refusal.code));
		if (!isFine) wrong.push([what, String(refusal)]);
	}
	expect(wrong).toEqual([]);
	const { volumes } = await daemon.volumes.listVolumes(ListVolumesRequest.fromPartial({}));
	expect(volumes.map(({ name }) => name)).toEqual(expect.arrayContaining(["data"]));
	expect((await daemon.attachments.listAttachments(ListAttachmentsRequest.fromPartial({}))).attachments).toEqual([]);
	expect((await publications.listPublications(ListPublicationsRequest.fromPartial({}))).publications).toEqual([]);
	expect(ownMounts()).toEqual(mounts);
	expect(readdirSync(join(daemon.root, "run/mounts"))).toEqual([]);
});
