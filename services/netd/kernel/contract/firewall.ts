/** The packet rules of networks, published ports and shortcuts. */
import { expect, test } from "vitest";
import { parseIfName } from "#lib/address/if-name.ts";
import { isPublication, type NetworkRules, type Opening, type Publication, type Published } from "../firewall.ts";
import type { Current } from "./subject.ts";
import { ip } from "./wanted.ts";

const IDLE = { bridge: () => false, hostPort: () => false, shortcut: () => false, openPort: () => false };

export function firewall(it: Current): void {
	const rules: NetworkRules = {
		bridge: parseIfName("wh-000000000001"),
		internal: false,
		masquerade: [4, 6],
		sources: [],
		neighbours: true,
		routed: [],
		unprotected: [],
		trusted: [],
		segment: false,
	};
	const web: Publication = {
		protocol: "tcp",
		hostAddress: undefined,
		hostPort: 8080,
		target: ip("10.60.0.2"),
		targetPort: 80,
	};

	test("the skeleton is made once", () => {
		expect(it.kernel.firewall.ensureSkeleton()).toBe(true);
		expect(it.kernel.firewall.ensureSkeleton()).toBe(false);
		expect(it.kernel.firewall.observe()).toEqual({ networks: [], publications: [], shortcuts: [] });
	});

	test("a network has one set of rules, changed as a whole; absent is success", () => {
		it.kernel.firewall.ensureSkeleton();
		it.kernel.firewall.ensureNetwork(rules);
		it.kernel.firewall.ensureNetwork(rules);
		expect(it.kernel.firewall.observe().networks).toEqual([rules]);
		const changes: readonly Partial<NetworkRules>[] = [
			{ internal: true, masquerade: [], neighbours: false },
			{ masquerade: [4], routed: [6] },
			{ masquerade: [6], routed: [4], trusted: ["eth1", "vxlan.1"].map(parseIfName) },
			{ unprotected: [4, 6], trusted: [parseIfName("eth1")] },
			{ unprotected: [6], trusted: [parseIfName("eth2")] },
			{ masquerade: [4], segment: true },
		];
		const neighbour = { ...rules, bridge: parseIfName("wh-000000000002"), trusted: [parseIfName("eth1")] };
		it.kernel.firewall.ensureNetwork(neighbour);
		for (const change of changes) {
			const other = { ...rules, ...change };
			it.kernel.firewall.ensureNetwork(other);
			const { networks } = it.kernel.firewall.observe();
			expect(networks.find(({ bridge }) => bridge === rules.bridge)).toEqual(other);
			expect(networks.find(({ bridge }) => bridge === neighbour.bridge)).toEqual(neighbour);
			expect(
				it.kernel.firewall.assert({ networks: [neighbour, other], publications: [], shortcuts: [] }, IDLE),
			).toEqual({
				added: [],
				removed: [],
			});
		}
		it.kernel.firewall.removeNetwork(rules.bridge);
		expect(it.kernel.firewall.observe().networks).toEqual([neighbour]);
		it.kernel.firewall.removeNetwork(neighbour.bridge);
		const sources = ["192.0.2.1 2001:db8::1", "192.0.2.9", "2001:db8::9"];
		for (const text of sources) {
			const from = { ...rules, sources: text.split(" ").map(ip) };
			it.kernel.firewall.ensureNetwork(from);
			expect(it.kernel.firewall.observe().networks.map((one) => one.sources.join(" "))).toEqual([text]);
			expect(it.kernel.firewall.assert({ networks: [from], publications: [], shortcuts: [] }, IDLE)).toEqual({
				added: [],
				removed: [],
			});
		}
		it.kernel.firewall.removeNetwork(rules.bridge);
		it.kernel.firewall.removeNetwork(rules.bridge);
		expect(it.kernel.firewall.observe().networks).toEqual([]);
	});

	test("ports of one address and of all addresses, of both families, are side by side", () => {
		it.kernel.firewall.ensureSkeleton();
		const at = { ...web, hostAddress: ip("127.0.0.1"), targetPort: 81 };
		const six = { ...web, target: ip("fd00::2") };
		const sixAt = { ...six, hostAddress: ip("2001:db8::1") };
		const udp = { ...web, protocol: "udp" } as const;
		const sctp = { ...web, protocol: "sctp" } as const;
		const all = [web, at, six, sixAt, udp, sctp];
		it.kernel.firewall.ensurePublished(all);
		it.kernel.firewall.ensurePublished(all);
		expect(texts(it.kernel.firewall.observe().publications)).toEqual(texts(all));
		it.kernel.firewall.removePublished([at, six], [web, sixAt]);
		it.kernel.firewall.removePublished([at, six], [web, sixAt]);
		expect(texts(it.kernel.firewall.observe().publications)).toEqual(texts([web, sixAt, udp, sctp]));
	});

	test("a port that leads elsewhere is led here", () => {
		it.kernel.firewall.ensureSkeleton();
		it.kernel.firewall.ensurePublished([web]);
		const moved = { ...web, target: ip("10.60.0.9") };
		it.kernel.firewall.ensurePublished([moved, { ...web, hostPort: 8081 }]);
		expect(texts(it.kernel.firewall.observe().publications)).toEqual(texts([moved, { ...web, hostPort: 8081 }]));
	});

	test("shortcuts of both families are marked, put right as a whole, and unmarked; absent is success", () => {
		it.kernel.firewall.ensureSkeleton();
		const four = { bridge: rules.bridge, target: ip("10.60.0.2") };
		const six = { bridge: rules.bridge, target: ip("fd00::2") };
		const observed = () => it.kernel.firewall.observe().shortcuts.map(({ bridge, target }) => `${bridge} ${target}`);
		it.kernel.firewall.ensureShortcuts([four, six]);
		it.kernel.firewall.ensureShortcuts([six]);
		expect(observed().sort()).toEqual([`${rules.bridge} 10.60.0.2`, `${rules.bridge} fd00::2`]);
		const wanted = { networks: [], publications: [], shortcuts: [six] };
		const inWork = { ...IDLE, shortcut: () => true };
		expect(it.kernel.firewall.assert(wanted, inWork)).toEqual({ added: [], removed: [] });
		expect(it.kernel.firewall.assert(wanted, IDLE).removed).toHaveLength(1);
		expect(observed()).toEqual([`${rules.bridge} fd00::2`]);
		it.kernel.firewall.removeShortcuts([four, six]);
		it.kernel.firewall.removeShortcuts([]);
		expect(observed()).toEqual([]);
		expect(it.kernel.firewall.assert(wanted, IDLE).added).toHaveLength(1);
		expect(observed()).toEqual([`${rules.bridge} fd00::2`]);
	});

	test("ports at containers' own addresses are beside those of the host, and shared", () => {
		it.kernel.firewall.ensureSkeleton();
		const open: Opening = { protocol: "tcp", target: web.target, targetPort: web.targetPort };
		const all = [web, open, { ...open, protocol: "udp" as const }, { ...open, target: ip("fd00::2") }];
		it.kernel.firewall.ensurePublished(all);
		it.kernel.firewall.ensurePublished(all);
		expect(texts(it.kernel.firewall.observe().publications)).toEqual(texts(all));
		it.kernel.firewall.removePublished([web, open], [open]);
		expect(texts(it.kernel.firewall.observe().publications)).toEqual(texts(all.slice(1)));
		it.kernel.firewall.removePublished([open], []);
		it.kernel.firewall.removePublished([open], []);
		expect(texts(it.kernel.firewall.observe().publications)).toEqual(texts(all.slice(2)));
		const wanted = { networks: [], publications: [open], shortcuts: [] };
		const busy = { ...IDLE, openPort: ({ protocol }: Pick<Opening, "protocol">) => protocol === "udp" };
		expect(it.kernel.firewall.assert(wanted, busy)).toMatchObject({ added: [expect.any(String)] });
		expect(texts(it.kernel.firewall.observe().publications)).toEqual(texts([open, { ...open, protocol: "udp" }]));
		expect(it.kernel.firewall.assert(wanted, IDLE).removed).toHaveLength(1);
		expect(it.kernel.firewall.observe().publications).toEqual([open]);
	});

	test("assert makes it exactly so, and says what it changed; what is busy stays", () => {
		it.kernel.firewall.ensureSkeleton();
		it.kernel.firewall.ensureNetwork(rules);
		it.kernel.firewall.ensurePublished([web, { ...web, hostPort: 9000 }]);
		const wanted = { networks: [rules], publications: [web], shortcuts: [] };
		const untouched = it.kernel.firewall.assert(wanted, {
			...IDLE,
			hostPort: ({ hostPort }) => hostPort === 9000,
		});
		expect(untouched).toEqual({ added: [], removed: [] });
		expect(it.kernel.firewall.assert(wanted, IDLE).removed.length).toBeGreaterThan(0);
		expect(texts(it.kernel.firewall.observe().publications)).toEqual(texts([web]));
		it.kernel.firewall.removeNetwork(rules.bridge);
		it.kernel.firewall.removePublished([web], []);
		expect(it.kernel.firewall.assert(wanted, IDLE).added.length).toBeGreaterThan(0);
		expect(it.kernel.firewall.assert(wanted, IDLE)).toEqual({ added: [], removed: [] });
		expect(it.kernel.firewall.observe().networks).toEqual([rules]);
	});
}

function texts(publications: readonly Published[]): string[] {
	const side = (one: Published) => (isPublication(one) ? `${one.hostAddress ?? ""} ${one.hostPort}` : "at");
	return publications.map((one) => `${one.protocol} ${side(one)} ${one.target} ${one.targetPort}`).sort();
}
