/** What packets do: on the real kernel, asked by clients in the namespaces of all who are concerned. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Sandbox } from "../../sandbox.ts";
import { BOTH_FAMILIES, call, connectSpec, networkSpec, sandboxSpec, tcp } from "../../test-support/netd.ts";
import { HOST, HOST6, OUTSIDE, OUTSIDE6, showBridged, type Town, town } from "../../test-support/town.ts";

let t: Town;
beforeEach(async () => {
	t = await town();
});
afterEach(() => t[Symbol.asyncDispose]());

const sandbox = (name: string): Promise<Sandbox> => t.it.netd.sandboxes.create(sandboxSpec(name), call());

/** Its address on the network. */
async function connect(of: Sandbox, network: string, more: Parameters<typeof connectSpec>[2] = {}): Promise<string> {
	const { view } = await t.it.netd.endpoints.connect(connectSpec(network, of, more), call());
	return view.endpoint.addresses[0]?.ip.toString() ?? "";
}

const endpointOf = (of: Sandbox) =>
	t.it.netd.endpoints.list({ network: undefined, sandboxId: of.id }, { after: 0, limit: 1 }).items[0]?.endpoint.id ??
	"";

describe.each([true, false])("bridged frames shown to the rules: %s", (shown) => {
	test("neighbours meet at once; a published port is reached by everybody who may; nothing else is", async () => {
		showBridged(t.host, shown);
		await t.it.netd.networks.create(networkSpec("front"), call());
		await t.it.netd.networks.create(networkSpec("back"), call());
		const [web, near, far] = [await sandbox("web"), await sandbox("near"), await sandbox("far")];
		const address = await connect(web, "front", { ports: [tcp(8080, 80)] });
		await t.serve(web.netnsPath, 80);
		await t.serve(web.netnsPath, 81);
		const nearAddress = await connect(near, "front");
		// The very first packet after the answer.
		expect(await t.ask(near.netnsPath, address, 81)).toBe(nearAddress);
		const farAddress = await connect(far, "back");
		const gateway = address.replace(/\d+$/, "1");

		expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
		expect(await t.ask(t.host, HOST, 8080)).toBe(gateway);
		expect(await t.ask(t.host, "127.0.0.1", 8080)).toBe(gateway);
		expect(await t.ask(t.host, address, 81)).toBe(gateway);
		expect(await t.ask(web.netnsPath, HOST, 8080)).toBe(gateway);
		expect(await t.ask(near.netnsPath, HOST, 8080)).toBe(gateway);
		expect(await t.ask(near.netnsPath, gateway, 8080)).toBe(gateway);
		expect(await t.ask(far.netnsPath, HOST, 8080)).toBe(farAddress);

		expect(await t.ask(far.netnsPath, address, 80)).toBe("");
		expect(await t.ask(far.netnsPath, address, 81)).toBe("");
		expect(await t.ask(t.outside, address, 80)).toBe("");
		expect(await t.ask(t.outside, address, 81)).toBe("");
		expect(await t.ask(t.outside, HOST, 81)).toBe("");
	});

	test("icc=false keeps neighbours apart, also by the gateway; they reach the outside", async () => {
		showBridged(t.host, shown);
		const options = { "com.docker.network.bridge.enable_icc": "false" };
		await t.it.netd.networks.create(networkSpec("apart", { options }), call());
		const [one, two] = [await sandbox("one"), await sandbox("two")];
		const address = await connect(one, "apart", { ports: [tcp(8080, 80)] });
		await connect(two, "apart");
		await t.serve(one.netnsPath, 80);
		await t.serve(t.outside, 7000);
		expect(await t.ask(two.netnsPath, address, 80)).toBe("");
		t.run(two.netnsPath, "ip", "route", "add", `${address}/32`, "via", address.replace(/\d+$/, "1"));
		expect(await t.ask(two.netnsPath, address, 80)).toBe("");
		expect(await t.ask(two.netnsPath, HOST, 8080)).toBe("");
		expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
		expect(await t.ask(two.netnsPath, OUTSIDE, 7000)).toBe(HOST);
	});
});

test.each([0, 1] as const)(
	"what is published beside the default gateway is reached, with rp_filter=%i as well",
	async (strict) => {
		await t.it.netd.networks.create(networkSpec("front", { subnets: BOTH_FAMILIES }), call());
		await t.it.netd.networks.create(networkSpec("back", { subnets: BOTH_FAMILIES }), call());
		const [web, near] = [await sandbox("web"), await sandbox("near")];
		await connect(web, "back", { ports: [tcp(8080, 80)] });
		const first = endpointOf(web);
		await connect(web, "front", { gatewayPriority: 1 });
		const nearAddress = await connect(near, "back");
		await t.serve(web.netnsPath, 80);
		await t.serve(web.netnsPath, 80, "::");
		for (const [netns, names] of [
			[t.host, ["all", "out0"]],
			[web.netnsPath, ["all", "eth0", "eth1"]],
		] as const) {
			for (const name of names) t.run(netns, "sysctl", "-qw", `net.ipv4.conf.${name}.rp_filter=${strict}`);
		}
		expect(t.run(web.netnsPath, "ip", "route", "get", OUTSIDE)).toContain("dev eth1");
		expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
		expect(await t.ask(t.outside, HOST6, 8080)).toBe(OUTSIDE6);
		expect(t.run(web.netnsPath, "ip", "route", "get", nearAddress)).toContain(`${nearAddress} dev eth0`);
		// It leaves by the bridge that it came by.
		const [own] = t.it.netd.endpoints.get(first).endpoint.addresses;
		expect(t.run(web.netnsPath, "ip", "route", "get", OUTSIDE, "from", String(own?.ip))).toContain("dev eth0");
		const kept = await t.hold(t.outside, HOST, 8080);
		await t.it.restart();
		t.run(web.netnsPath, "ip", "rule", "del", "priority", "32001");
		await t.it.netd.reconcile.run();
		expect(t.run(web.netnsPath, "ip", "rule", "show")).toContain("32001:");
		// Where sources are checked strictly, nothing passed while the rule was away, and what TCP sends again may take seconds.
		const answers = {
			0: async () => !(await kept.cut),
			1: async () => (await t.ask(t.outside, HOST, 8080)) === OUTSIDE,
		};
		expect(await answers[strict]()).toBe(true);
		const [, second] = t.it.netd.endpoints.list(
			{ network: undefined, sandboxId: web.id },
			{ after: 0, limit: 9 },
		).items;
		await t.it.netd.endpoints.disconnect(second?.endpoint.id ?? "", call());
		expect(t.run(web.netnsPath, "ip", "rule", "show")).not.toContain("3200");
		expect(t.run(web.netnsPath, "ip", "-6", "rule", "show")).not.toContain("3200");
		expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
	},
);

test("what leaves is masqueraded; an internal network has no way out and none in, but neighbours and the host", async () => {
	await t.it.netd.networks.create(networkSpec("vault", { internal: true }), call());
	const [out, kept, neighbour] = [await sandbox("out"), await sandbox("kept"), await sandbox("neighbour")];
	await connect(out, "bridge");
	const keptAddress = await connect(kept, "vault");
	const neighbourAddress = await connect(neighbour, "vault");
	await t.serve(t.outside, 7000);
	await t.serve(kept.netnsPath, 80);
	expect(await t.ask(out.netnsPath, OUTSIDE, 7000)).toBe(HOST);
	t.run(kept.netnsPath, "ip", "route", "add", "default", "via", keptAddress.replace(/\d+$/, "1"));
	expect(await t.ask(kept.netnsPath, OUTSIDE, 7000)).toBe("");
	expect(await t.ask(t.outside, keptAddress, 80)).toBe("");
	expect(await t.ask(out.netnsPath, keptAddress, 80)).toBe("");
	expect(await t.ask(neighbour.netnsPath, keptAddress, 80)).toBe(neighbourAddress);
	expect(await t.ask(t.host, keptAddress, 80)).toBe(keptAddress.replace(/\d+$/, "1"));
});

test("options of a network: names of interfaces, the source of what leaves, a bridge whose addresses are another's", async () => {
	const ours = "com.docker.network.";
	t.run(t.host, "ip", "addr", "add", "192.0.2.77/32", "dev", "out0");
	t.run(t.host, "ip", "addr", "add", "2001:db8::77/128", "dev", "out0", "nodad");
	const from = { [`${ours}host_ipv4`]: "192.0.2.77", [`${ours}host_ipv6`]: "2001:db8::77" };
	await t.it.netd.networks.create(
		networkSpec("from", { subnets: BOTH_FAMILIES, options: { ...from, [`${ours}container_iface_prefix`]: "lan" } }),
		call(),
	);
	const out = await sandbox("out");
	await connect(out, "from");
	await connect(out, "bridge");
	expect(t.it.kernel.links.interfaces(out.netnsPath)).toEqual(["lo", "lan0", "eth0"]);
	const named = {
		[`${ours}endpoint.ifname`]: "wan.0",
		[`${ours}endpoint.sysctls`]: "net.ipv4.conf.IFNAME.log_martians=1",
	};
	await t.it.netd.networks.create(networkSpec("wan"), call());
	await connect(out, "wan", { options: named });
	const martians = (name: string) => t.run(out.netnsPath, "cat", `/proc/sys/net/ipv4/conf/${name}/log_martians`).trim();
	expect([martians("wan.0"), martians("eth0")]).toEqual(["1", "0"]);
	await t.serve(t.outside, 7000);
	await t.serve(t.outside, 7000, "::");
	expect(await t.ask(out.netnsPath, OUTSIDE, 7000)).toBe("192.0.2.77");
	expect(await t.ask(out.netnsPath, OUTSIDE6, 7000)).toBe("2001:db8::77");
	t.run(t.host, "nft", "flush", "map", "inet", "wharf", "sources4");
	expect(await t.ask(out.netnsPath, OUTSIDE, 7000)).toBe(HOST);
	expect(await t.it.netd.reconcile.run()).toBe(0);
	expect(await t.ask(out.netnsPath, OUTSIDE, 7000)).toBe("192.0.2.77");

	const options = { [`${ours}bridge.name`]: "other0", [`${ours}bridge.inhibit_ipv4`]: "true" };
	await t.it.netd.networks.create(networkSpec("other", { options }), call());
	expect(t.run(t.host, "ip", "-4", "addr", "show", "dev", "other0")).toBe("");
	t.run(t.host, "ip", "addr", "add", "198.51.100.1/24", "dev", "other0");
	expect(await t.it.netd.reconcile.run()).toBe(0);
	expect(t.run(t.host, "ip", "-4", "addr", "show", "dev", "other0")).toContain("198.51.100.1/24");
});

test("a container does not reach the host's loopback services, and would without the rule", async () => {
	const thief = await sandbox("thief");
	const address = await connect(thief, "bridge");
	await t.serve(t.host, 9000, "127.0.0.1");
	t.run(thief.netnsPath, "ip", "addr", "del", "127.0.0.1/8", "dev", "lo");
	t.run(thief.netnsPath, "ip", "route", "add", "127.0.0.1/32", "via", address.replace(/\d+$/, "1"), "src", address);
	for (const name of ["all", "eth0"]) t.run(thief.netnsPath, "sysctl", "-qw", `net.ipv4.conf.${name}.route_localnet=1`);
	expect(await t.ask(thief.netnsPath, "127.0.0.1", 9000)).toBe("");
	t.run(t.host, "nft", "flush", "chain", "inet", "wharf", "loopback");
	expect(await t.ask(thief.netnsPath, "127.0.0.1", 9000)).toBe(address);
	expect(await t.it.netd.reconcile.run()).toBe(0);
	expect(await t.ask(thief.netnsPath, "127.0.0.1", 9000)).toBe("");
});

test("unpublishing cuts established flows; other ports' flows and new processes of netd change nothing", async () => {
	const web = await sandbox("web");
	await connect(web, "bridge", { ports: [tcp(8080, 80), tcp(8081, 80, "127.0.0.1"), tcp(8082, 80)] });
	await t.serve(web.netnsPath, 80);
	const doomed = await t.hold(t.outside, HOST, 8080);
	const kept = await t.hold(t.outside, HOST, 8082);
	await t.it.restart();
	await t.it.netd.ports.unpublish({ endpointId: endpointOf(web), ports: [tcp(8080, 0)] }, call());
	expect(await doomed.cut).toBe(true);
	expect(await kept.cut).toBe(false);
	expect(await t.ask(t.outside, HOST, 8080)).toBe("");
	expect(await t.ask(t.host, "127.0.0.1", 8081)).not.toBe("");
	expect(await t.ask(t.outside, HOST, 8081)).toBe("");
	await t.it.netd.endpoints.disconnect(endpointOf(web), call());
	expect(await t.ask(t.outside, HOST, 8082)).toBe("");
});

test("both families at once, published as well", async () => {
	await t.it.netd.networks.create(networkSpec("dual", { subnets: BOTH_FAMILIES }), call());
	const [web, near] = [await sandbox("web"), await sandbox("near")];
	const { view } = await t.it.netd.endpoints.connect(connectSpec("dual", web, { ports: [tcp(8080, 80)] }), call());
	const six = view.endpoint.addresses.find(({ ip }) => ip.family === 6)?.ip.toString() ?? "";
	await t.it.netd.endpoints.connect(connectSpec("dual", near), call());
	await t.serve(web.netnsPath, 80, "::");
	expect(await t.ask(t.outside, HOST6, 8080)).toBe(OUTSIDE6);
	expect(await t.ask(t.host, HOST6, 8080)).not.toBe("");
	expect(await t.ask(near.netnsPath, six, 80)).toContain("fd00:");
	await t.serve(t.outside, 7000, "::");
	expect(await t.ask(near.netnsPath, OUTSIDE6, 7000)).toBe(HOST6);
});

test("the operator's chain is asked first, and kept", async () => {
	const web = await sandbox("web");
	await connect(web, "bridge", { ports: [tcp(8080, 80)] });
	await t.serve(web.netnsPath, 80);
	t.run(t.host, "nft", "add", "rule", "inet", "wharf", "operator", "ip", "saddr", OUTSIDE, "drop");
	expect(await t.ask(t.outside, HOST, 8080)).toBe("");
	t.run(t.host, "nft", "flush", "chain", "inet", "wharf", "forward");
	expect(await t.ask(t.outside, HOST, 8080)).toBe(OUTSIDE);
	expect(await t.it.netd.reconcile.run()).toBe(0);
	expect(await t.ask(t.outside, HOST, 8080)).toBe("");
});
