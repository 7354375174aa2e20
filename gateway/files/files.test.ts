import { describe, expect, test } from "vitest";
import { hostsFile, withEntries } from "./hosts.ts";
import { forHost, forResolver, forServers, isLoopbackOnly, serversFor } from "./resolv-conf.ts";

describe("/etc/hosts", () => {
	const entries = [{ address: "172.18.0.2", names: ["web.example.org", "web"] }];

	test("loopback first, then each address; IPv6 where there is some", () => {
		expect(hostsFile(entries, { ipv6: false })).toBe("127.0.0.1\tlocalhost\n172.18.0.2\tweb.example.org web\n");
		expect(hostsFile(entries, { ipv6: true }).split("\n").slice(0, 3)).toEqual([
			"127.0.0.1\tlocalhost",
			"::1\tlocalhost ip6-localhost ip6-loopback",
			"fe00::\tip6-localnet",
		]);
	});

	test("lines of ours come behind another's file, and are lines of their own", () => {
		expect(withEntries("192.0.2.1 gw", [])).toBe("192.0.2.1 gw");
		expect(withEntries("192.0.2.1 gw", entries)).toBe("192.0.2.1 gw\n172.18.0.2\tweb.example.org web\n");
	});
});

describe("/etc/resolv.conf", () => {
	const host =
		"# made by hand\nnameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch example.com  lan\noptions edns0 ndots:2\n";
	const nothing = { servers: [], search: [], options: [] };

	test("with a resolver in the sandbox: ndots:0, whatever the host has", () => {
		const file = "nameserver 127.0.0.11\nsearch example.com lan\noptions edns0 ndots:0\n";
		expect(forResolver("127.0.0.11", host, nothing)).toBe(file);
		expect(forResolver("127.0.0.11", "", nothing)).toBe("nameserver 127.0.0.11\noptions ndots:0\n");
		// The resolver asks them.
		expect(forResolver("127.0.0.11", host, { ...nothing, servers: ["192.0.2.9"] })).toBe(file);
	});

	test("with a resolver: the user's domains and options are instead of the host's, and ndots as he wants it", () => {
		const wish = { servers: [], search: ["a.test", "b.test"], options: ["timeout:1"] };
		expect(forResolver("127.0.0.11", host, wish)).toBe(
			"nameserver 127.0.0.11\nsearch a.test b.test\noptions timeout:1 ndots:0\n",
		);
		expect(forResolver("127.0.0.11", host, { ...nothing, search: ["."], options: ["ndots:3", "rotate"] })).toBe(
			"nameserver 127.0.0.11\noptions ndots:3 rotate\n",
		);
	});

	test("without one: the host's that a container reaches, or the user's", () => {
		expect(forServers(host, nothing)).toBe("nameserver 192.0.2.1\nsearch example.com lan\noptions edns0 ndots:2\n");
		expect(forServers(host, { servers: ["192.0.2.9", "127.0.0.1"], search: ["."], options: ["rotate"] })).toBe(
			"nameserver 192.0.2.9\nnameserver 127.0.0.1\noptions rotate\n",
		);
	});

	test("without any: a comment, and nobody's public servers", () => {
		expect(forServers("nameserver ::1\nnameserver 127.0.0.53\nsearch .\n", nothing)).toMatch(/^# [^\n]+--dns[^\n]+\n$/);
		expect(serversFor("nameserver ::1\n", nothing)).toEqual([]);
		expect([host, "nameserver ::1\n", ""].map(isLoopbackOnly)).toEqual([false, true, false]);
	});

	test("with the host's network: the host's own, but for what is wished", () => {
		expect(forHost(host, nothing)).toBe(host);
		expect(forHost(host, { ...nothing, search: ["a.test"] })).toBe(
			"nameserver 127.0.0.53\nnameserver 192.0.2.1\nsearch a.test\noptions edns0 ndots:2\n",
		);
	});
});
