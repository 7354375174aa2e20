/** The rewrite as nft(8) lists it, what queries do with it, and what is noticed of it when somebody else has changed it. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { runIn, ScratchNetns } from "#lib/linux/test-support/scratch-netns.ts";
import { createLog } from "#lib/log/log.ts";
import { LinuxResolverRedirect } from "./resolver-redirect.ts";

const redirect = new LinuxResolverRedirect(createLog({ service: "netd", level: "silent" }));

let scratch: ScratchNetns;
let netns: string;

beforeEach(() => {
	scratch = new ScratchNetns();
	netns = scratch.create("sandbox");
});

afterEach(() => scratch[Symbol.dispose]());

const nft = (...args: readonly string[]): string => runIn(netns, "nft", ...args);

const textTo = (port: number, priority = "raw"): string => `table inet wharf {
	chain resolver {
		type filter hook output priority ${priority}; policy accept;
		ip daddr 127.0.0.11 udp dport 53 notrack udp dport set ${port}
		ip saddr 127.0.0.11 udp sport ${port} notrack udp sport set 53
		ip daddr 127.0.0.11 tcp dport 53 notrack tcp dport set ${port}
		ip saddr 127.0.0.11 tcp sport ${port} notrack tcp sport set 53
	}
}
`;

/** Asks a server at the resolver's port by port 53: the answers over UDP and TCP, or what went wrong. */
function ask(port: number): string {
	const program = `
		setTimeout(() => process.exit(1), 10_000).unref();
		const udp = dgram.createSocket("udp4").on("message", (query, from) => udp.send("udp " + query, from.port, from.address));
		const tcp = net.createServer((connection) => connection.on("data", (query) => connection.end("tcp " + query)));
		const show = (answer) => console.log(String(answer));
		udp.bind(${port}, "127.0.0.11", () => tcp.listen(${port}, "127.0.0.11", () => {
			// Connected, it takes an answer from port 53 only.
			const client = dgram.createSocket("udp4").on("message", (answer) => {
				show(answer);
				client.close();
				udp.close();
				const stream = net.connect(53, "127.0.0.11", () => stream.write("query")).on("data", show);
				stream.on("close", () => tcp.close());
			});
			client.connect(53, "127.0.0.11", () => client.send("query"));
		}));`;
	return runIn(netns, process.execPath, "-e", program);
}

test.each([1, 61_053, 65_535])("the rewrite to %i reads as it does in nft's language", (port) => {
	redirect.ensure(netns, port);
	expect(nft("list", "ruleset")).toBe(textTo(port));
	expect(redirect.observe(netns)).toBe(port);
});

test("what nft makes of its language is observed, and left alone", () => {
	nft(textTo(61_053));
	const before = nft("-a", "list", "ruleset");
	expect(redirect.observe(netns)).toBe(61_053);
	redirect.ensure(netns, 61_053);
	expect(nft("-a", "list", "ruleset")).toBe(before);
});

test("queries over UDP and TCP reach the resolver's port and are answered from port 53", () => {
	runIn(netns, "ip", "link", "set", "lo", "up");
	redirect.ensure(netns, 61_053);
	expect(ask(61_053)).toBe("udp query\ntcp query\n");
	redirect.ensure(netns, 62_053);
	expect(ask(62_053)).toBe("udp query\ntcp query\n");
});

test.each([
	["a rule less", "delete rule inet wharf resolver handle 5"],
	["no rule", "flush chain inet wharf resolver"],
	["a rule more", "add rule inet wharf resolver accept"],
	["a rule before", "insert rule inet wharf resolver counter"],
	[
		"another port in one rule",
		"replace rule inet wharf resolver handle 4 ip daddr 127.0.0.11 tcp dport 53 notrack tcp dport set 9",
	],
	[
		"another port in the first rule",
		"replace rule inet wharf resolver handle 2 ip daddr 127.0.0.11 udp dport 53 notrack udp dport set 9",
	],
	[
		"another address",
		"replace rule inet wharf resolver handle 3 ip saddr 127.0.0.12 udp sport 61053 notrack udp sport set 53",
	],
	[
		"a rule that tracks",
		"replace rule inet wharf resolver handle 2 ip daddr 127.0.0.11 udp dport 53 udp dport set 61053",
	],
	["another policy", "add chain inet wharf resolver { policy drop; }"],
	["another priority", `delete table inet wharf; ${textTo(61_053, "filter")}`],
	["no chain", "delete table inet wharf; add table inet wharf"],
	["no hook", "delete table inet wharf; table inet wharf { chain resolver { accept; }; }"],
])("%s is noticed, and replaced", (_difference, commands) => {
	const other = "table inet other {\n\tchain c {\n\t\taccept\n\t}\n}\n";
	nft(other);
	redirect.ensure(netns, 61_053);
	nft(commands);
	expect(redirect.observe(netns)).toBeUndefined();
	redirect.ensure(netns, 61_053);
	expect(redirect.observe(netns)).toBe(61_053);
	expect(nft("list", "ruleset")).toBe(other + textTo(61_053));
});

test("others' tables stay when it is removed", () => {
	const others = "table ip wharf {\n}\ntable inet other {\n\tchain c {\n\t\taccept\n\t}\n}\n";
	nft(others);
	redirect.remove(netns);
	redirect.ensure(netns, 61_053);
	redirect.remove(netns);
	expect(nft("list", "ruleset")).toBe(others);
});

test("a namespace that is not there is a refusal, except where there is something to remove", () => {
	expect(() => redirect.ensure(`${netns}-absent`, 61_053)).toThrow(
		expect.objectContaining({ reason: "KERNEL_REFUSED" }),
	);
	redirect.remove(`${netns}-absent`);
});
