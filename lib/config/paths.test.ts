import { describe, expect, test } from "vitest";
import { Paths } from "./paths.ts";

describe("Paths", () => {
	test("everything is below the root", () => {
		const paths = new Paths("/srv/one/");
		expect(paths.root).toBe("/srv/one");
		expect(paths.settings).toBe("/srv/one/wharf.json");
		expect(paths.state("ipamd")).toBe("/srv/one/state/ipamd.db");
		expect(paths.socket("netd")).toBe("/srv/one/run/netd.sock");
		expect(paths.netns("abc")).toBe("/srv/one/run/netns/abc");
		expect([paths.volumes, paths.containers, paths.nats, paths.logs, paths.run]).toEqual([
			"/srv/one/volumes",
			"/srv/one/containers",
			"/srv/one/nats",
			"/srv/one/logs",
			"/srv/one/run",
		]);
	});

	test("the root comes from the environment, or is the default", () => {
		expect(Paths.fromEnv({ WHARF_ROOT: "/x" }).root).toBe("/x");
		expect(Paths.fromEnv({}).root).toBe("/var/lib/wharf");
		expect(Paths.fromEnv({ WHARF_ROOT: "" }).root).toBe("/var/lib/wharf");
	});

	test("a root that is relative, or too long for its sockets, is refused by name", () => {
		expect(() => new Paths("here")).toThrow('WHARF_ROOT is "here"; allowed is an absolute path of at most 81 bytes.');
		const longest = new Paths(`/${"r".repeat(80)}`);
		expect(Buffer.byteLength(longest.socket("0123456789abcdef"))).toBe(107);
		expect(() => new Paths(`/${"r".repeat(81)}`)).toThrow("WHARF_ROOT");
	});
});
