/** An archive and a volume that are the same are told to be, whatever forms a program has written them in. */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CreateVolumeRequest } from "#gen/wharf/volume/v1/volume.ts";
import { backup, Daemon, verify } from "./test-support/daemon.ts";

let daemon: Daemon;
const at = (name: string): string => join(daemon.root, name);

function run(script: string, cwd: string): void {
	execFileSync("sh", ["-ec", script], { cwd, stdio: ["ignore", "ignore", "pipe"] });
}

beforeAll(async () => {
	daemon = new Daemon();
	await daemon.start();
});
afterAll(() => daemon[Symbol.asyncDispose]());

describe("an archive of files with holes agrees with what reads the same", () => {
	const sparse = (): string => daemon.content("sparse");
	/** Without them, with others, and as they were; times are as before. */
	const rewritten = {
		dense: 'cp --sparse=never "$f" x; cat x >"$f"; rm x',
		"as sparse as can be": 'fallocate -d "$f"',
		"as before": ":",
	};
	const archives = {
		ours: async (to: string) => void (await backup(daemon, { volume: "sparse", path: to })),
		...Object.fromEntries(
			[
				"tar --sparse --format=gnu",
				"tar --sparse --format=oldgnu",
				"tar --sparse --format=posix --sparse-version=0.0",
				"tar --sparse --format=posix --sparse-version=0.1",
				"tar --sparse --format=posix --sparse-version=1.0",
				"tar --format=posix",
				"bsdtar --format=pax",
			].map((program) => [program, async (to: string) => run(`${program} -cf "${to}" .`, sparse())]),
		),
	};
	const forEach = (script: string): string =>
		`for f in $(ls); do touch -r "$f" ../time; ${script}; touch -r ../time "$f"; done; touch -d @1000 .`;
	const sh = (script: string): void => run(script, sparse());

	beforeAll(async () => {
		await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "sparse" }));
		sh("truncate -s 10M hole; truncate -s 5000001 ends; echo 1 | dd of=ends bs=1 seek=3333333 conv=notrunc");
		sh("for at in 0 5000 70000 1000000 2000000; do echo $at | dd of=many bs=1 seek=$at conv=notrunc; done");
		sh("head -c 3000000 /dev/zero >zeros; echo end >>zeros; ln zeros another; : >empty; touch -d @1000 *");
	});

	test.each(Object.entries(archives))("%s", async (_, archive) => {
		sh(forEach(rewritten["as sparse as can be"]));
		const paths = [at("sparse.tar"), at("dense.tar")];
		await archive(paths[0] ?? "");
		sh(forEach(rewritten.dense));
		await archive(paths[1] ?? "");
		for (const script of Object.values(rewritten)) {
			sh(forEach(script));
			for (const path of paths)
				expect(await verify(daemon, { path, volume: "sparse" })).toMatchObject({ differences: [] });
		}
		for (const path of paths) rmSync(path);
	});

	test("and differs where it does not, by a byte of the data or one in a hole", async () => {
		sh(forEach(rewritten["as sparse as can be"]));
		await backup(daemon, { volume: "sparse", path: at("sparse.tar") });
		const changed = { ends: 3_333_333, hole: 4097, many: 5000, another: 3_000_001 };
		for (const script of [rewritten["as before"], rewritten.dense]) {
			for (const [name, place] of Object.entries(changed))
				sh(`f=${name}; touch -r $f ../time; printf x | dd of=$f bs=1 seek=${place} conv=notrunc; touch -r ../time $f`);
			sh(forEach(script));
			const result = await verify(daemon, { path: at("sparse.tar"), volume: "sparse" });
			expect(result?.differences.map(({ path }) => path)).toEqual([...Object.keys(changed), "zeros"].sort());
			for (const { what } of result?.differences ?? [])
				expect(what).toMatch(/^its content is [0-9a-f]{64} \(without zeros\) and not [0-9a-f]{64} /);
		}
	});

	test("and of one file with other names it says that, and nothing of its content", async () => {
		sh("rm -r *; truncate -s 1M b; echo 1 >c; touch -d @1000 *");
		await backup(daemon, { volume: "sparse", path: at("links.tar") });
		sh("cp --sparse=never b a; ln -f a b; ln a d; touch -d @1000 a .");
		const result = await verify(daemon, { path: at("links.tar"), volume: "sparse" });
		const what = Object.fromEntries(
			(result?.differences ?? []).map((difference) => [difference.path, difference.what]),
		);
		expect(what).toEqual({
			a: "it is not in the archive",
			b: "it is one file with other names",
			d: "it is not in the archive",
			".": expect.stringContaining("time") as string,
		});
	});
});

test.each([
	"tar --format=posix --acls --xattrs",
	"tar --format=posix --acls --xattrs --numeric-owner",
	"bsdtar --format=pax --acls --xattrs --fflags",
])("an archive of %s has the attributes that the volume has, in whatever notation", async (program) => {
	await daemon.volumes.createVolume(CreateVolumeRequest.fromPartial({ name: "listed" }));
	const content = daemon.content("listed");
	const sh = (script: string): void => run(script, content);
	sh("mkdir -p dir; echo 1 >file; setfacl -m u:daemon:rwx,g:12345:r-x,m::rwx file");
	sh("setfacl -m u:54321:r-x dir; setfacl -d -m u:bin:rwx,g::r-x dir; setfattr -n user.a -v 1 dir");
	sh("find . -exec touch -d @1000 {} +");
	sh(`${program} -cf "${at("listed.tar")}" .`);
	const spec = { path: at("listed.tar"), volume: "listed" };
	expect(await verify(daemon, spec)).toMatchObject({ differences: [] });
	sh("setfacl -m u:daemon:r--,m::rwx file; setfattr -n user.b -v '' dir; touch -d @1000 file dir .");
	const result = await verify(daemon, spec);
	expect(result?.differences).toEqual([
		{ path: "dir", what: 'its attribute user.b is "" and not there' },
		{
			path: "file",
			what: expect.stringMatching(
				/^its attribute system.posix_acl_access is \S+user:1:r--\S+ and not \S+user:1:rwx\S+$/,
			) as string,
		},
	]);
	await daemon.volumes.deleteVolume({ requestId: "", name: "listed" });
});
