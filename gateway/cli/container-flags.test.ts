import { describe, expect, test } from "vitest";
import { MountSpec, type ParseMountsRequest } from "#gen/wharf/volume/v1/volume.ts";
import { CONTAINER_FLAGS, specOf } from "./container-flags.ts";
import { mountTextOf } from "./mount-flags.ts";
import { command } from "./syntax/command.ts";
import { parse } from "./syntax/parse.ts";

const RUN = command({
	name: "run",
	summary: "Runs.",
	operands: "IMAGE",
	minOperands: 1,
	maxOperands: 1,
	flags: CONTAINER_FLAGS,
	run: async () => 0,
});

/** What volumed is asked about mounts, and the specification that is made. */
async function made(...args: string[]) {
	const parsed = parse(RUN, [...args, "host"]);
	if (parsed.help) throw new Error("help was asked for");
	const requests: ParseMountsRequest[] = [];
	const spec = await specOf(parsed.flags, parsed.operands, { env: {}, cwd: "/home/me" }, async (request) => {
		requests.push(request);
		return { mounts: request.texts.map(({ text }) => MountSpec.fromPartial({ destination: `/${text}` })) };
	});
	return { spec, requests };
}

async function networks(...args: string[]) {
	return (await made(...args)).spec.networks;
}

test("what is said of a network without naming it is for the first one", async () => {
	const flags = ["--network-alias", "www", "--ip", "10.0.0.9", "--link", "db:store", "--link", "kv"];
	const links = [
		{ container: "db", alias: "store" },
		{ container: "kv", alias: "" },
	];
	expect(await networks("--network", "front", "--network", "back", ...flags)).toEqual([
		{ network: "front", addresses: ["10.0.0.9"], aliases: ["www"], gatewayPriority: 0, links },
		{ network: "back", addresses: [], aliases: [], gatewayPriority: 0, links: [] },
	]);
	expect(await networks("--link", "kv")).toMatchObject([{ network: "bridge", links: [{ container: "kv" }] }]);
});

describe("mounts", () => {
	test("are read by volumed, each in its grammar, from where the command line is", async () => {
		const flags = [
			"--tmpfs",
			"/run",
			"-v",
			"a:/a",
			"--mount",
			"type=bind,src=.,dst=/b",
			"-v",
			"/c",
			"--volume-driver",
			"d",
		];
		const { spec, requests } = await made(...flags);
		expect(requests).toEqual([
			{
				texts: [
					{ grammar: "MOUNT_GRAMMAR_VOLUME", text: "a:/a" },
					{ grammar: "MOUNT_GRAMMAR_VOLUME", text: "/c" },
					{ grammar: "MOUNT_GRAMMAR_MOUNT", text: "type=bind,src=.,dst=/b" },
					{ grammar: "MOUNT_GRAMMAR_TMPFS", text: "/run" },
				],
				workingDirectory: "/home/me",
				volumeDriver: "d",
			},
		]);
		expect(spec.mounts.map(({ destination }) => destination)).toEqual([
			"/a:/a",
			"//c",
			"/type=bind,src=.,dst=/b",
			"//run",
		]);
	});

	test("nobody is asked where there are none", async () => {
		const { spec, requests } = await made("--volume-driver", "d", "--volumes-from", "web", "--volumes-from", "db:ro");
		expect([requests, spec.mounts]).toEqual([[], []]);
		expect(spec.volumesFrom).toEqual([
			{ container: "web", readOnly: false },
			{ container: "db", readOnly: true },
		]);
	});

	test("what is wrong elsewhere is told without asking", async () => {
		await expect(made("-v", "a:/a", "-p", "x")).rejects.toMatchObject({ domain: "cli" });
	});

	test.each([
		["type=bind,src=/a,dst=/b", "MOUNT_GRAMMAR_MOUNT"],
		["readonly,src=a,dst=/b", "MOUNT_GRAMMAR_MOUNT"],
		['"src=a,b",dst=/b', "MOUNT_GRAMMAR_MOUNT"],
		["SRC=a,dst=/b", "MOUNT_GRAMMAR_MOUNT"],
		["data:/data", "MOUNT_GRAMMAR_VOLUME"],
		["data:/data:ro,z", "MOUNT_GRAMMAR_VOLUME"],
		["data:/x:idmap=uids=0-1-2", "MOUNT_GRAMMAR_VOLUME"],
		["/a=b,c:/d", "MOUNT_GRAMMAR_VOLUME"],
		["./a=b:/d", "MOUNT_GRAMMAR_VOLUME"],
		["/scratch", "MOUNT_GRAMMAR_VOLUME"],
		["", "MOUNT_GRAMMAR_VOLUME"],
	])("%j is of %s", (text, grammar) => expect(mountTextOf(text)).toEqual({ grammar, text }));
});
