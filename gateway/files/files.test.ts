import { describe, expect, test } from "vitest";
import { hostsFile, withEntry, withoutAddresses } from "./hosts.ts";
import { forHostResolvers, forResolver } from "./resolv-conf.ts";

describe("/etc/hosts", () => {
	const file = hostsFile([{ address: "172.18.0.2", names: ["web"] }]);

	test("loopback first, then each address", () => {
		expect(file.split("\n")[0]).toBe("127.0.0.1\tlocalhost");
		expect(file.endsWith("172.18.0.2\tweb\n")).toBe(true);
	});

	test("a change leaves what the user wrote", () => {
		const edited = `${file}10.0.0.1 mine # my own`;
		const joined = withEntry(edited, { address: "172.19.0.2", names: ["web"] });
		expect(joined).toBe(`${edited}\n172.19.0.2\tweb\n`);
		expect(withEntry(joined, { address: "172.19.0.2", names: ["web"] })).toBe(joined);
		expect(withoutAddresses(joined, ["172.19.0.2"])).toBe(`${edited}\n`);
	});
});

describe("/etc/resolv.conf", () => {
	const host = "# made by hand\nnameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch example.com\noptions edns0\n";

	test("with a resolver in the sandbox", () => {
		expect(forResolver("127.0.0.11", host)).toBe("nameserver 127.0.0.11\nsearch example.com\noptions ndots:0\n");
		expect(forResolver("127.0.0.11", "")).toBe("nameserver 127.0.0.11\noptions ndots:0\n");
	});

	test("without one: the host's that a container reaches", () => {
		expect(forHostResolvers(host)).toBe("nameserver 192.0.2.1\nsearch example.com\noptions edns0\n");
		expect(forHostResolvers("nameserver ::1\nsearch .\n")).toBe("");
	});
});
