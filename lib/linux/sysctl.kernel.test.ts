import { readdirSync, readFileSync, statSync } from "node:fs";
import { expect, test } from "vitest";
import { procSys } from "./proc-sys.ts";
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

test("settings of many namespaces are each their own, while what leads there is made anew", () => {
	using scratch = new ScratchNetns();
	const all = Array.from({ length: 5 }, (_, index) => scratch.create(`n${index}`));
	const open = descriptors();
	for (let round = 0; round < 60; round += 1) {
		for (const [index, netns] of all.entries()) writeSysctl(netns, FORWARD, (round + index) % 2);
		for (const [index, netns] of all.entries()) expect(readSysctl(netns, FORWARD)).toBe(String((round + index) % 2));
	}
	expect(descriptors()).toBeLessThanOrEqual(open + 1);
	expect(statSync(procSys()).dev).not.toBe(statSync("/proc/sys").dev);
	expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toMatch(/\/proc\/self\/fd/);
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

function descriptors(): number {
	return readdirSync("/proc/self/fd").length;
}
