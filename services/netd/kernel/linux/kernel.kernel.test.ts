import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createNetns, removeNetns } from "#lib/linux/netns.ts";
import { runIn } from "#lib/linux/test-support/scratch-netns.ts";
import { createLog } from "#lib/log/log.ts";
import { kernelContract } from "../contract.ts";
import { openLinuxKernel } from "./kernel.ts";

kernelContract("the adapters", () => {
	const folder = mkdtempSync(join(tmpdir(), "netd-kernel-"));
	const host = join(folder, "host");
	const namespaces = join(folder, "netns");
	createNetns(host);
	runIn(host, "ip", "link", "set", "lo", "up");
	const kernel = openLinuxKernel({ log: createLog({ service: "netd", level: "silent" }), namespaces, host });
	return {
		kernel,
		netnsPath: (name) => join(namespaces, name),
		addForeignLink: (name) => void runIn(host, "ip", "link", "add", name, "type", "veth"),
		[Symbol.dispose]: () => {
			kernel[Symbol.dispose]();
			for (const path of kernel.namespaces.observe()) removeNetns(path);
			removeNetns(host);
			rmSync(folder, { recursive: true });
		},
	};
});
