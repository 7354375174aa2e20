import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { HostServers, parseResolvConf } from "./resolv-conf.ts";
import { serverText } from "./server.ts";

describe("resolv.conf", () => {
	it("names servers of both families, one with its interface, three at most", () => {
		const text = [
			"# a comment",
			"search example.com",
			"nameserver 127.0.0.53",
			"  nameserver\t2001:DB8::1  ",
			";nameserver 192.0.2.9",
			"nameserver nonsense",
			"nameserver fe80::1%eth0",
			"nameserver 192.0.2.1",
		].join("\n");
		expect(parseResolvConf(text).map(serverText)).toEqual(["127.0.0.53", "2001:db8::1", "fe80::1%eth0"]);
		expect(parseResolvConf("")).toEqual([]);
	});

	it("is read again when it has changed, and is empty when it is gone", { timeout: 30_000 }, async () => {
		const folder = mkdtempSync(join(tmpdir(), "dnsd-"));
		onTestFinished(() => rmSync(folder, { recursive: true }));
		const path = join(folder, "resolv.conf");
		const servers = new HostServers(path);
		const soon = (wanted: readonly string[]) =>
			expect.poll(() => servers.current().map(serverText), { timeout: 10_000 }).toEqual(wanted);
		await soon([]);
		writeFileSync(path, "nameserver 192.0.2.1\n");
		await soon(["192.0.2.1"]);
		writeFileSync(path, "nameserver 192.0.2.2\n");
		await soon(["192.0.2.2"]);
		rmSync(path);
		await soon([]);
	});
});
