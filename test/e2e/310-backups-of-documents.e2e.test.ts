/** Backups as the documents type them and as they are meant now: SEEDS V9, V10. What an archive says is read by GNU tar, what it brings back by find. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { Host } from "../support/host.ts";
import { inspectVolume } from "../support/mounts.ts";
import { takeDown } from "../support/take-down.ts";

let host: Host;
let other: Host;

/** A memory of the host's own. */
const FOLDER = "/run/backups";

beforeAll(async () => {
	[host, other] = await Promise.all([Host.boot(), Host.boot()]);
	await Promise.all([host, other].map((one) => one.wharfOk("up")));
	for (const one of [host, other]) await one.ok("mkdir", ["-p", FOLDER]);
	await host.wharfOk("volume", "create", "my-vol");
	const fill = `set -e; cd /my-vol; mkdir -p deep/er empty; echo one >deep/file; ln deep/file deep/er/same; ln -s ../nowhere link
		chmod 6750 deep/file; chmod 1777 empty; chown 12:34 empty; mkfifo pipe; truncate -s 5G sparse; printf end >>sparse
		touch -d '1969-07-20 20:17:40.123456789' deep/er; setfattr -n user.note -v kept deep/file; setfacl -m u:77:rw deep/file`;
	await wharf("run", "--rm", "-v", "my-vol:/my-vol", "host", "sh", "-c", fill);
});

afterAll(() => Promise.all([takeDown(host), takeDown(other)]));

const wharf = (...args: string[]): Promise<string> => host.wharfOk(...args);
/** In the folder, as typed at a prompt; `wharf` is the one under test. */
const typed = (line: string, where = host): Promise<string> =>
	where.ok("bash", ["-c", `wharf() { '${where.program}' "$@"; }; cd ${FOLDER} && ${line}`]);
const contentOf = async (volume: string, where = host): Promise<string> =>
	(await inspectVolume(where, volume)).Mountpoint;

/** A line for each thing below a volume: all that can be told of it, and its content. */
async function portrait(volume: string, where = host): Promise<string[]> {
	const script = `cd "$0" && { find . -printf '%P %y %m %U:%G %n %T@ %l\\n'; find . -type f ! -size +1M -exec sha256sum {} +
		getfattr -Rhd -m - . ; getfacl -Rn . ; tail -c 3 sparse 2>/dev/null; stat -c 'root %a %u:%g %.9Y' .; }`;
	const text = await where.ok("sh", ["-c", script, await contentOf(volume, where)]);
	return text.split("\n").sort();
}

describe("V9: a container that packs another one's volumes", () => {
	test("with tar, and one that unpacks them into a new one's", async () => {
		await wharf("run", "-d", "-v", "/dbdata", "--name", "dbstore", "host", "sleep", "1000");
		await wharf("exec", "dbstore", "sh", "-c", "echo 'this is backup test!' >/dbdata/file1.txt");
		const made = await typed(
			"wharf run --rm --volumes-from dbstore -v $(pwd):/backup host tar cvf /backup/backup.tar /dbdata",
		);
		expect(made).toBe("/dbdata/\n/dbdata/file1.txt\n");
		expect(await typed("tar -tf backup.tar")).toBe("dbdata/\ndbdata/file1.txt\n");
		await wharf("run", "-d", "-v", "/dbdata", "--name", "dbstore2", "host", "sleep", "1000");
		const back =
			"wharf run --rm --volumes-from dbstore2 -v $(pwd):/backup host \\\nbash -c 'cd /dbdata && tar xvf /backup/backup.tar --strip 1'";
		expect(await typed(back)).toBe("dbdata/file1.txt\n");
		expect(await wharf("exec", "dbstore2", "cat", "/dbdata/file1.txt")).toBe("this is backup test!");
	});

	test("what it packed is restored by name, and verified against what is there", async () => {
		expect(await typed("wharf volume restore dbdata backup.tar --strip 1")).toContain("the archive has no manifest");
		expect(await typed(`cat ${await contentOf("dbdata")}/file1.txt`)).toBe("this is backup test!\n");
		await typed(`echo more >>${await contentOf("dbdata")}/file1.txt`);
		await typed("wharf volume backup dbdata -o before.tar && wharf volume verify before.tar dbdata");
		await typed(`echo later >>${await contentOf("dbdata")}/file1.txt`);
		const { exitCode, stdout } = await host.wharf(["volume", "verify", `${FOLDER}/before.tar`, "dbdata"]);
		expect([exitCode, stdout.split("\n")[0]]).toEqual([1, expect.stringMatching(/^file1\.txt: its size is 32 bytes/)]);
	});
});

describe("V10: a volume", () => {
	test("backed up, comes back under another name, the same in everything", async () => {
		expect(await typed("wharf volume backup my-vol -o b.tar.zst")).toMatch(
			/b\.tar\.zst: 9 entries, .*, manifest sha256 [0-9a-f]{64}/,
		);
		expect(await typed("wharf volume restore copy b.tar.zst")).toMatch(/^copy: 9 entries, .*, verified\n$/);
		expect(await portrait("copy")).toEqual(await portrait("my-vol"));
	});

	test("is listed and extracted by GNU tar", async () => {
		const names = (await typed("tar --zstd -tf b.tar.zst")).split("\n");
		expect(names).toEqual(expect.arrayContaining(["./deep/file", "./deep/er/same", "./link", "./sparse", "./empty/"]));
		await typed(
			"mkdir out && tar --zstd --xattrs --xattrs-include='*' --acls -xpf b.tar.zst -C out && rm -r out/.wharf",
		);
		const script = `cd "$0" && find . -mindepth 1 -printf '%P %y %m %U:%G %n %T@ %l\\n' | sort`;
		const told = async (path: string): Promise<string> => host.ok("sh", ["-c", script, path]);
		expect(await told(`${FOLDER}/out`)).toBe(await told(await contentOf("my-vol")));
		await typed("rm -r out");
	});

	test("goes to another host, through a file and through a pipe", async () => {
		const bytes = await host.ok("base64", [`${FOLDER}/b.tar.zst`]);
		await other.ok("sh", ["-c", `base64 -d >${FOLDER}/b.tar.zst`], { input: bytes });
		await typed("wharf volume restore moved b.tar.zst --keep-privileges", other);
		expect(await portrait("moved", other)).toEqual(await portrait("my-vol"));
		// What gives rights is left out there unless it is asked for, and that is said.
		const piped = await other.run("sh", ["-c", `'${other.program}' volume restore piped - <${FOLDER}/b.tar.zst`]);
		expect(piped.stderr).toMatch(/deep\/er\/same: its mode 6770 .*was left out/);
		expect(await other.ok("stat", ["-c", "%a", `${await contentOf("piped", other)}/deep/file`])).toBe("770\n");
	});

	test("is cloned", async () => {
		expect(await typed("wharf volume clone my-vol my-clone")).toMatch(/^my-clone: 9 entries/);
		expect(await portrait("my-clone")).toEqual(await portrait("my-vol"));
		const again = await host.wharf(["volume", "clone", "my-vol", "my-clone"]);
		expect([again.exitCode, again.stderr]).toEqual([1, expect.stringMatching(/^wharf: .*my-clone.*\n/)]);
	});
});

test("nothing is left beside the archives, and all is as it should be", async () => {
	expect(await typed("ls -A")).toBe("b.tar.zst\nbackup.tar\nbefore.tar\n");
	for (const one of [host, other]) expect(await audit(one)).toEqual([]);
});
