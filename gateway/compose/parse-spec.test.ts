import { describe, expect, test } from "vitest";
import { ContainerSpec } from "#gen/wharf/container/v1/container.ts";
import { isFault } from "#lib/fault/fault.ts";
import { madeUpName } from "../names.ts";
import { parseSpec } from "./parse-spec.ts";

type Change = { [K in keyof ContainerSpec]?: unknown };

// Messages from elsewhere: any shape that the decoder can make.
const spec = (change: Change = {}) =>
	ContainerSpec.fromPartial({ command: ["true"], ...change } as Partial<ContainerSpec>);

function refused(change: Change): string {
	try {
		parseSpec(spec(change));
	} catch (error) {
		if (isFault(error)) return `${error.reason} at ${error.field}`;
		throw error;
	}
	return "accepted";
}

describe("a container's specification", () => {
	test("has an image and a network when none is given", () => {
		const { image, networks } = parseSpec(spec());
		expect(image).toBe("host");
		expect(networks).toEqual([{ network: "bridge", addresses: [], aliases: [], gatewayPriority: 0, links: [] }]);
	});

	test("is refused where it is wrong, and says where", () => {
		expect(refused({ command: [] })).toBe("NO_COMMAND at spec.command");
		expect(refused({ name: "a b" })).toBe("INVALID_NAME at spec.name");
		expect(refused({ name: "a".repeat(129) })).toBe("INVALID_NAME at spec.name");
		for (const hostname of ["a_b", "a..b", "-a", "a".repeat(65)])
			expect(refused({ hostname })).toBe("INVALID_HOSTNAME at spec.hostname");
		expect(refused({ domainname: ".org" })).toBe("INVALID_HOSTNAME at spec.domainname");
		expect(refused({ hostname: "a".repeat(60), domainname: "example.org" })).toBe(
			"INVALID_HOSTNAME at spec.domainname",
		);
		expect(refused({ hostname: "a", domainname: "example.org" })).toBe("accepted");
		expect(refused({ environment: ["A=1", "B"] })).toBe("INVALID_ENVIRONMENT at spec.environment[1]");
		expect(refused({ ports: [{ containerPort: 0 }] })).toBe("INVALID_PORT at spec.ports[0]");
		expect(refused({ ports: [{ containerPort: 80, hostPort: 70_000 }] })).toBe("INVALID_PORT at spec.ports[0]");
		expect(refused({ networks: [{ network: "a" }, { network: "a" }] })).toBe("NETWORK_GIVEN_TWICE at spec.networks[1]");
		expect(refused({ networks: [{ network: "host" }, { network: "a" }] })).toBe(
			"NETWORK_STANDS_ALONE at spec.networks[0]",
		);
		expect(refused({ networks: [{ network: "none", addresses: ["10.0.0.1"] }] })).toBe(
			"NETWORK_HAS_NO_ENDPOINTS at spec.networks[0]",
		);
		expect(refused({ networks: [{ network: "host" }], ports: [{ containerPort: 80 }] })).toBe(
			"NETWORK_HAS_NO_ENDPOINTS at spec.ports",
		);
		expect(refused({ networks: [{ network: "a" }, { network: "container:b" }] })).toBe(
			"NETWORK_STANDS_ALONE at spec.networks[1]",
		);
		expect(refused({ networks: [{ network: "container:b" }, { network: "a" }] })).toBe(
			"NETWORK_STANDS_ALONE at spec.networks[0]",
		);
		expect(refused({ networks: [{ network: "container:" }] })).toBe("CONTAINER_NOT_FOUND at spec.networks[0]");
		expect(refused({ networks: [{ network: "host", links: [{ container: "db" }] }] })).toBe(
			"NETWORK_HAS_NO_ENDPOINTS at spec.networks[0]",
		);
		expect(
			refused({ networks: [{ network: "a", links: [{ container: "db" }, { container: "db", alias: "a b" }] }] }),
		).toBe("INVALID_NAME at spec.networks[0].links[1]");
		const shared = [{ network: "container:b" }];
		expect(refused({ networks: shared, domainname: "example.org" })).toBe("NETWORK_IS_SHARED at spec.domainname");
		expect(refused({ networks: shared, dns: { search: ["."] } })).toBe("NETWORK_IS_SHARED at spec.dns");
		expect(refused({ networks: shared, extraHosts: [{ name: "a", address: "192.0.2.1" }] })).toBe(
			"NETWORK_IS_SHARED at spec.extra_hosts",
		);
		expect(refused({ networks: [{ network: "container:b", links: [{ container: "db" }] }] })).toBe(
			"NETWORK_IS_SHARED at spec.networks[0]",
		);
		expect(refused({ networks: shared })).toBe("accepted");
		expect(refused({ networks: shared, hostname: "c" })).toBe("NETWORK_IS_SHARED at spec.hostname");
		expect(refused({ networks: shared, ports: [{ containerPort: 80 }] })).toBe("NETWORK_IS_SHARED at spec.ports");
		expect(refused({ networks: [{ network: "container:b", aliases: ["c"] }] })).toBe(
			"NETWORK_IS_SHARED at spec.networks[0]",
		);
		expect(refused({ networks: [{ network: "a", addresses: ["10.0.0.256"] }] })).toMatch(
			/^INVALID_ADDRESS at spec\.networks\[0\]\.addresses/,
		);
	});
});

const many = <T>(count: number, value: (index: number) => T): T[] =>
	Array.from({ length: count }, (_, at) => value(at));
test.each<[string, number, string, (count: number) => Change]>([
	["servers", 16, "spec.dns.servers", (n) => ({ dns: { servers: many(n, (at) => `192.0.2.${at}`) } })],
	["search domains", 32, "spec.dns.search", (n) => ({ dns: { search: many(n, (at) => `d${at}.test`) } })],
	["options", 32, "spec.dns.options", (n) => ({ dns: { options: many(n, (at) => `timeout:${at}`) } })],
	["extra hosts", 1000, "spec.extra_hosts", (n) => ({ extraHosts: many(n, () => ({ name: "a", address: "::1" })) })],
	[
		"links",
		100,
		"spec.networks[0].links",
		(n) => ({ networks: [{ network: "a", links: many(n, (at) => ({ container: `c${at}` })) }] }),
	],
])("%s: at most %i", (_, limit, field, changeOf) => {
	expect(refused(changeOf(limit))).toBe("accepted");
	expect(refused(changeOf(limit + 1))).toBe(`TOO_MANY_VALUES at ${field}`);
});

test.each<[object, string]>([
	[{ servers: ["192.0.2.1", "dns.example"] }, "INVALID_ADDRESS at spec.dns.servers[1]"],
	[{ servers: ["192.0.2.1:53"] }, "INVALID_ADDRESS at spec.dns.servers[0]"],
	[
		{ servers: ["192.0.2.1", "2001:db8::1"], search: ["a.test", "_tcp.b.test."], options: ["rotate", "timeout:2"] },
		"accepted",
	],
	[{ search: ["."] }, "accepted"],
	[{ search: ["a.test", "."] }, "INVALID_DNS_SETTING at spec.dns.search[1]"],
	[{ search: ["a.test b.test"] }, "INVALID_DNS_SETTING at spec.dns.search[0]"],
	[{ search: ["a.test\nnameserver 1.1.1.1"] }, "INVALID_DNS_SETTING at spec.dns.search[0]"],
	[{ search: [""] }, "INVALID_DNS_SETTING at spec.dns.search[0]"],
	[{ options: ["ndots 2"] }, "INVALID_DNS_SETTING at spec.dns.options[0]"],
	[{ options: ["rotate", ""] }, "INVALID_DNS_SETTING at spec.dns.options[1]"],
])("DNS settings %j: %s", (dns, outcome) => expect(refused({ dns })).toBe(outcome));

test.each([
	["db", "192.0.2.1", "accepted"],
	["db.example.org", "fd00::9", "accepted"],
	["host.docker.internal", "host-gateway", "accepted"],
	["", "192.0.2.1", "INVALID_EXTRA_HOST at spec.extra_hosts[0]"],
	["a b", "192.0.2.1", "INVALID_EXTRA_HOST at spec.extra_hosts[0]"],
	["db", "192.0.2.256", "INVALID_EXTRA_HOST at spec.extra_hosts[0]"],
	["db", "", "INVALID_EXTRA_HOST at spec.extra_hosts[0]"],
])("extra host %j at %j: %s", (name, address, outcome) =>
	expect(refused({ extraHosts: [{ name, address }] })).toBe(outcome),
);

describe("a name that is made up", () => {
	test("is one that nobody has", () => {
		const taken = new Set<string>();
		for (let count = 0; count < 200; count++) {
			const name = madeUpName((one) => taken.has(one));
			expect(taken.has(name)).toBe(false);
			expect(name).toMatch(/^[a-z]+_[a-z]+\d*$/);
			taken.add(name);
		}
	});
});
