/** What `npm pack` makes, installed elsewhere: the command works, and so does the gRPC client with its types. */
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { run } from "#lib/exec/run.ts";
import { eventually } from "../support/eventually.ts";
import { CHECKOUT, Host } from "../support/host.ts";
import { webServer } from "../support/web.ts";
import { takeDown } from "../support/take-down.ts";

let elsewhere: string;
let host: Host;

beforeAll(async () => {
	elsewhere = await mkdtemp(join(tmpdir(), "wharf-package-"));
	const source = join(elsewhere, "source");
	// `npm pack` writes dist/ beside the sources, and then the checkout would run that: it is made in a copy.
	const left = new Set([".git", "dist", "node_modules"]);
	await cp(CHECKOUT, source, { recursive: true, filter: (path) => !left.has(path.slice(CHECKOUT.length + 1)) });
	await run("ln", ["-s", join(CHECKOUT, "node_modules"), join(source, "node_modules")]);
	await run("npm", ["pack", "--pack-destination", elsewhere], { cwd: source, timeoutMs: 120_000 });
	const [tarball = ""] = (await readdir(elsewhere)).filter((name) => name.endsWith(".tgz"));
	await writeFile(
		join(elsewhere, "package.json"),
		JSON.stringify({ name: "elsewhere", type: "module", private: true }),
	);
	await run("npm", ["install", "--prefer-offline", "--no-audit", "--no-fund", join(elsewhere, tarball)], {
		cwd: elsewhere,
		timeoutMs: 180_000,
	});
	host = await Host.boot({ wharf: join(elsewhere, "node_modules/.bin/wharf") });
	await host.wharfOk("up");
});

afterAll(async () => {
	await takeDown(host);
	await rm(elsewhere, { recursive: true, force: true });
});

test("the installed command does the main job", async () => {
	await host.wharfOk("network", "create", "front");
	await host.wharfOk(
		"run",
		"-d",
		"--name",
		"web",
		"--network",
		"front",
		"-p",
		"8080:80",
		"host",
		...webServer(80, "packed"),
	);
	await eventually(async () => expect(await host.fetch("http://127.0.0.1:8080/")).toBe("packed"));
	expect(await host.wharfOk("run", "--rm", "--network", "front", "host", "curl", "-s", "http://web/")).toBe("packed");
	await host.wharfOk("volume", "create", "data");
	await host.wharfOk("volume", "backup", "data", "-o", "/run/data.tar");
	await host.wharfOk("volume", "restore", "copy", "/run/data.tar");
});

test("the installed client works, and a program that uses it is checked by its types", async () => {
	const program = `import { client, NetworkService } from "wharf/client";
const networks = client(NetworkService, { unix: process.env["WHARF_ROOT"] + "/run/netd.sock" });
const { networks: all } = await networks.listNetworks({ pageSize: 0, pageToken: "", names: ["front"], drivers: [], labels: {} });
const names: string[] = all.map((network) => network.name);
console.log(names.join());
networks.close();
`;
	await writeFile(join(elsewhere, "program.ts"), program);
	expect(await host.ok(process.execPath, [join(elsewhere, "program.ts")])).toBe("front\n");

	const strict = ["--noEmit", "--strict", "--module", "nodenext", "--target", "esnext", "--types", "node"];
	const roots = ["--typeRoots", join(CHECKOUT, "node_modules/@types"), "--skipLibCheck", "--ignoreConfig"];
	const tsc = (file: string) =>
		run(join(CHECKOUT, "node_modules/.bin/tsc"), [...strict, ...roots, file], {
			cwd: elsewhere,
			acceptExit: [0, 1, 2],
		});
	expect((await tsc("program.ts")).stdout).toBe("");
	await writeFile(join(elsewhere, "wrong.ts"), program.replace("names: string[]", "names: number[]"));
	expect((await tsc("wrong.ts")).stdout).toContain("wrong.ts");
});
