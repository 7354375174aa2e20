import { describe, expect, test } from "vitest";
import { DEFAULT_PATH, ociConfig, type OciInput } from "./oci-config.ts";

const INPUT: OciInput = {
	id: "c1",
	command: ["sleep", "1000"],
	environment: ["COLOR=green"],
	hostname: "web",
	domainname: "",
	rootfs: "/r/rootfs",
	netnsPath: "/r/run/netns/s1",
	hidden: ["/r"],
	files: new Map([
		["/etc/hosts", "/r/c1/hosts"],
		["/etc/resolv.conf", "/r/c1/resolv.conf"],
	]),
	openFiles: 4096,
	mounts: [{ destination: "/data", type: "bind", source: "/volumes/data", options: ["rbind", "ro"] }],
};

const destinations = (input: OciInput): string[] => ociConfig(input).mounts.map(({ destination }) => destination);

describe("config.json", () => {
	test("the process, its environment and limits", () => {
		const { process, root, hostname } = ociConfig(INPUT);
		expect(process).toMatchObject({
			terminal: false,
			args: ["sleep", "1000"],
			env: [`PATH=${DEFAULT_PATH}`, "HOSTNAME=web", "COLOR=green"],
			cwd: "/",
			rlimits: [{ type: "RLIMIT_NOFILE", soft: 1024, hard: 4096 }],
		});
		expect(root).toEqual({ path: "/r/rootfs", readonly: false });
		expect(hostname).toBe("web");
	});

	test("a PATH of the user's own stands alone", () => {
		const { env } = ociConfig({ ...INPUT, environment: ["PATH=/opt", "HOSTNAME=x"] }).process;
		expect(env).toEqual(["PATH=/opt", "HOSTNAME=x"]);
	});

	test("the domain is the kernel's, with the host's network as well", () => {
		const input = { ...INPUT, domainname: "example.org" };
		expect(ociConfig(input).linux).toHaveProperty(["sysctl", "kernel.domainname"], "example.org");
		const { linux } = ociConfig({ ...input, netnsPath: undefined });
		expect(linux).toMatchObject({ sysctl: { "kernel.domainname": "example.org" } });
	});

	test("namespaces and cgroup of its own, the sandbox's network", () => {
		expect(ociConfig(INPUT).linux).toMatchObject({
			cgroupsPath: "/wharf/c1",
			namespaces: [
				{ type: "pid" },
				{ type: "ipc" },
				{ type: "uts" },
				{ type: "mount" },
				{ type: "network", path: "/r/run/netns/s1" },
			],
			resources: { devices: [{ allow: false, access: "rwm" }] },
		});
	});

	test("on the host's network: no network namespace, no sysctl of it, and the host's sysfs", () => {
		const { linux, mounts } = ociConfig({ ...INPUT, netnsPath: undefined });
		expect(linux.namespaces.map(({ type }) => type)).not.toContain("network");
		expect(linux).not.toHaveProperty("sysctl");
		expect(mounts.find(({ destination }) => destination === "/sys")?.type).toBe("bind");
	});

	test("mounts: the kernel's, what is hidden, what is generated, the user's", () => {
		expect(destinations(INPUT)).toEqual([
			"/proc",
			"/dev",
			"/dev/pts",
			"/dev/shm",
			"/dev/mqueue",
			"/sys",
			"/r",
			"/etc/hosts",
			"/etc/resolv.conf",
			"/data",
		]);
	});

	test("a mount of the user's wins over a generated file", () => {
		const own = { destination: "/etc/hosts", type: "bind", source: "/mine", options: ["rbind"] };
		const { mounts } = ociConfig({ ...INPUT, mounts: [own] });
		expect(mounts.filter(({ destination }) => destination === "/etc/hosts")).toEqual([own]);
	});
});
