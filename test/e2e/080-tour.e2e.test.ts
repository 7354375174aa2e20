/** The tour that `npm start` takes, on a host that has nothing, twice; and taking it all down. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { audit } from "../support/audit/audit.ts";
import { leftovers } from "../support/audit/leftovers.ts";
import { FROM_SOURCES, Host } from "../support/host.ts";

let host: Host;

beforeAll(async () => {
	host = await Host.boot({ wharf: FROM_SOURCES });
});

afterAll(async () => {
	await host[Symbol.asyncDispose]();
});

test.each(["the first time", "a second time"])("the tour succeeds %s and leaves the services up", async () => {
	const out = await host.ok(host.program, ["demo"], { timeoutMs: 120_000 });
	expect(out).toMatch(/http:\/\/web\//);
	expect(out).toMatch(/http:\/\/127\.0\.0\.1:8080\//);
	expect(out).toMatch(/\d ms|\d\.\d s/);
	expect(out).toContain("wharf down --all");
	expect(await host.fetch("http://127.0.0.1:8080/")).toBeDefined();
	expect(await audit(host)).toEqual([]);
	await host.wharfOk("status");
});

test("everything is taken down, and taking it down again is fine", async () => {
	await host.wharfOk("down", "--all");
	expect(await leftovers(host)).toEqual([]);
	await host.wharfOk("down", "--all");
	const files = await host.ok("find", [host.root, "-type", "f", "-not", "-path", "*/_data/*", "-printf", "%P\n"]);
	// The tour's volumes are kept, with what volumed knows of them.
	expect(files.trim().split("\n").sort()).toEqual(["state/volumed.db", "state/volumed.db.lock"]);
});
