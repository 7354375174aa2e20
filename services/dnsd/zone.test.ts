import { describe, expect, it } from "vitest";
import { Ip } from "#lib/address/ip.ts";
import { findKey } from "./name.ts";
import { type Leg, type Sandbox, Zone } from "./zone.ts";

function leg(network: string, address: string | readonly string[], aliases: readonly string[] = []): Leg {
	const addresses = [address].flat().map((text) => Ip.parse(text));
	return {
		endpointId: `${network}/${addresses[0]}`,
		networkId: `id-${network}`,
		networkName: network,
		addresses,
		aliases,
	};
}

function sandbox(name: string, ...legs: readonly Leg[]): Sandbox {
	const owner = `${Buffer.from(name).toString("hex")}${"0".repeat(64)}`.slice(0, 64);
	const rest = { netnsPath: `/netns/${name}`, resolverPort: 5300, dnsServers: [], forwards: true };
	return { id: `s-${name}`, name, owner, hostname: `${name}-host`, legs, ...rest };
}

function zoneOf(...sandboxes: readonly Sandbox[]): Zone {
	return sandboxes.reduce((zone, one) => zone.with(one), Zone.empty(5));
}

/** The addresses or names of a look-up, read back from the encoded records; otherwise what kind of absence it is. */
function seen(zone: Zone, asker: string, name: string): readonly string[] | string {
	const key = findKey(name);
	if (key === undefined) throw new Error(`${name} is no name`);
	const found = zone.lookUp(`s-${asker}`, key);
	if (found.kind !== "records") return found.kind;
	const { a, aaaa, ptr } = found.records;
	const addresses = [...a, ...aaaa].map((record) => Ip.fromBytes(record.subarray(12)).toString());
	const names = ptr.map((record) => record.toString("latin1", 12).replaceAll(/[^!-~]/g, "."));
	return [...addresses, ...names].toSorted();
}

const web = sandbox("web", leg("frontend", ["172.18.0.2", "fd00::2"], ["www"]));
const db = sandbox("db", leg("backend", "172.19.0.2"));
const app = sandbox("app", leg("frontend", "172.18.0.3"), leg("backend", "172.19.0.3"));

describe("Zone", () => {
	const zone = zoneOf(web, db, app);

	it.each(["web", "WEB", "www", "web-host", "776562000000", "web.frontend", "www.FRONTEND", "776562000000.frontend"])(
		"knows a container as %s",
		(name) => expect(seen(zone, "app", name)).toEqual(["172.18.0.2", "fd00::2"]),
	);

	it("tells a sandbox only of the networks that it is on", () => {
		expect(seen(zone, "web", "db")).toBe("elsewhere");
		expect(seen(zone, "web", "db.backend")).toBe("elsewhere");
		expect(seen(zone, "db", "web")).toBe("elsewhere");
		expect(seen(zone, "web", "app")).toEqual(["172.18.0.3"]);
		expect(seen(zone, "db", "app")).toEqual(["172.19.0.3"]);
		expect(seen(zone, "web", "2.0.19.172.in-addr.arpa")).toBe("elsewhere");
		expect(seen(zone, "nobody", "web")).toBe("elsewhere");
	});

	it("says absent below a shared network, what is one, and elsewhere otherwise", () => {
		expect(seen(zone, "web", "nothing.frontend")).toBe("absent");
		expect(seen(zone, "web", "nothing.backend")).toBe("elsewhere");
		expect(seen(zone, "web", "nothing")).toBe("elsewhere");
		expect(seen(zone, "web", "frontend")).toBe("network");
		expect(seen(zone, "web", "web.frontend.example")).toBe("elsewhere");
	});

	it("names addresses of both families by container and network", () => {
		expect(seen(zone, "app", "2.0.18.172.in-addr.arpa")).toEqual([".web.frontend."]);
		expect(seen(zone, "app", Ip.parse("fd00::2").reverseName())).toEqual([".web.frontend."]);
	});

	it("takes a name on two shared networks from the one that sorts first, in whatever order they were joined", () => {
		const there = sandbox("both", leg("zeta", "10.2.0.2"), leg("alpha", "10.1.0.2"));
		const forth = zoneOf(there, sandbox("x", leg("zeta", "10.2.0.3"), leg("alpha", "10.1.0.3")));
		const back = zoneOf(there, sandbox("x", leg("alpha", "10.1.0.3"), leg("zeta", "10.2.0.3")));
		for (const tried of [forth, back]) {
			expect(seen(tried, "x", "both")).toEqual(["10.1.0.2"]);
			expect(seen(tried, "x", "both.zeta")).toEqual(["10.2.0.2"]);
		}
	});

	it("prefers a whole name to a name with its network's", () => {
		const zone = zoneOf(
			sandbox("x", leg("net", "10.0.0.2")),
			sandbox("a.net", leg("net", "10.0.0.3")),
			sandbox("a", leg("net", "10.0.0.4")),
		);
		expect(seen(zone, "x", "a.net")).toEqual(["10.0.0.3"]);
		expect(seen(zone, "x", "a")).toEqual(["10.0.0.4"]);
	});

	it("gives all addresses of an alias, and those that are left", () => {
		const one = sandbox("one", leg("net", "10.0.0.2", ["pool"]));
		const two = sandbox("two", leg("net", "10.0.0.3", ["pool"]));
		const zone = zoneOf(one, two);
		expect(seen(zone, "one", "pool")).toEqual(["10.0.0.2", "10.0.0.3"]);
		expect(seen(zone.without("s-two"), "one", "pool")).toEqual(["10.0.0.2"]);
		expect(seen(zone, "one", "pool")).toEqual(["10.0.0.2", "10.0.0.3"]);
	});

	it("replaces what a sandbox was", () => {
		const moved = zone.with({ ...web, name: "site", legs: [leg("frontend", "172.18.0.9")] });
		expect(seen(moved, "app", "web")).toBe("elsewhere");
		expect(seen(moved, "app", "www")).toBe("elsewhere");
		expect(seen(moved, "app", "site")).toEqual(["172.18.0.9"]);
		expect(seen(moved, "app", "2.0.18.172.in-addr.arpa")).toBe("elsewhere");
		expect([...moved.sandboxes()].map(({ name }) => name).toSorted()).toEqual(["app", "db", "site"]);
	});

	it("leaves out names that are no domain names, and still resolves the rest", () => {
		const long = "y".repeat(80);
		const zone = zoneOf(sandbox(long, leg("net", "10.0.0.2", ["a..b", "ok"])));
		expect(seen(zone, long, "ok")).toEqual(["10.0.0.2"]);
		expect(seen(zone, long, "2.0.0.10.in-addr.arpa")).toEqual([".797979797979.net."]);
	});

	it("ends as it began when everybody has left", () => {
		const empty = zone.without("s-web").without("s-db").without("s-app");
		expect([...empty.sandboxes()]).toEqual([]);
		expect(seen(empty.with(sandbox("y", leg("frontend", "10.0.0.9"))), "y", "web")).toBe("elsewhere");
	});
});

describe("a link", () => {
	const linked = (name: string, ...networks: readonly string[]): Sandbox =>
		sandbox(
			name,
			...networks.map((network, at) => ({ ...leg(network, `172.30.${at}.9`), links: { store: "db", "kv.x": "kv" } })),
		);
	const impostor = sandbox("impostor", leg("backend", "172.19.0.66", ["db", "store"]));

	it("is its sandbox by another name, for the asker alone, below the network's name as well", () => {
		const zone = zoneOf(web, db, app, linked("asker", "backend"));
		expect(seen(zone, "asker", "store")).toEqual(["172.19.0.2"]);
		expect(seen(zone, "asker", "STORE.backend")).toEqual(["172.19.0.2"]);
		expect(seen(zone, "asker", "store.frontend")).toBe("elsewhere");
		expect(seen(zone, "app", "store")).toBe("elsewhere");
		expect(seen(zone, "app", "store.backend")).toBe("absent");
	});

	it("is nobody who only has the name of the sandbox, or of the link, as an alias", () => {
		const zone = zoneOf(db, impostor, linked("asker", "backend"));
		expect(seen(zone, "asker", "store")).toEqual(["172.19.0.2"]);
		expect(seen(zone, "asker", "db")).toEqual(["172.19.0.2", "172.19.0.66"]);
		expect(seen(zone.without("s-db"), "asker", "store")).toBe("absent");
	});

	it("follows its sandbox as it comes and goes, on the networks that they share", () => {
		const before = zoneOf(linked("asker", "frontend", "backend"));
		expect(seen(before, "asker", "store")).toBe("absent");
		expect(seen(before, "asker", "kv.x")).toBe("absent");
		const there = before.with(db);
		expect(seen(there, "asker", "store")).toEqual(["172.19.0.2"]);
		const moved = there.with({ ...db, legs: [leg("frontend", "172.18.0.77")] });
		expect(seen(moved, "asker", "store")).toEqual(["172.18.0.77"]);
		const elsewhere = moved.with({ ...db, legs: [leg("third", "172.31.0.2")] });
		expect(seen(elsewhere, "asker", "store")).toBe("absent");
		expect(seen(elsewhere.without("s-db"), "asker", "store")).toBe("absent");
	});

	it("ends with the leg that has it", () => {
		const zone = zoneOf(db, linked("asker", "backend"));
		const without = zone.with(sandbox("asker", leg("backend", "172.30.0.9")));
		expect(seen(without, "asker", "store")).toBe("elsewhere");
	});
});
