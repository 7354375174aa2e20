import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { readSysctl, writeSysctl } from "./sysctl.ts";
import { runIn, ScratchNetns } from "./test-support/scratch-netns.ts";

const FORWARD = "net/ipv4/ip_forward";

test("a setting is written in one namespace only", () => {
	using scratch = new ScratchNetns();
	const netns = scratch.create("a");
	const outside = readFileSync(`/proc/sys/${FORWARD}`, "utf8");
	for (const value of ["1", "0", "1"]) {
		writeSysctl(netns, FORWARD, value);
		expect(runIn(netns, "cat", `/proc/sys/${FORWARD}`).trim()).toBe(value);
		expect(readSysctl(netns, FORWARD)).toBe(value);
	}
	expect(readFileSync(`/proc/sys/${FORWARD}`, "utf8")).toBe(outside);
	expect(readSysctl(undefined, FORWARD)).toBe(outside.trim());
});

test("a name with dots in an interface is not ambiguous, and a way out of /proc/sys is refused", () => {
	using scratch = new ScratchNetns();
	const netns = scratch.create("a");
	runIn(netns, "ip", "link", "add", "eth0.7", "type", "bridge");
	writeSysctl(netns, "net/ipv4/conf/eth0.7/route_localnet", 1);
	expect(runIn(netns, "cat", "/proc/sys/net/ipv4/conf/eth0.7/route_localnet").trim()).toBe("1");
	expect(() => writeSysctl(netns, "net/../../self/comm", "x")).toThrow(RangeError);
	expect(() => readSysctl(netns, "net/ipv4/conf/nowhere/forwarding")).toThrow(
		expect.objectContaining({ code: "ENOENT" }),
	);
});
