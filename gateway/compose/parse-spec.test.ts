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
		expect(networks).toEqual([{ network: "bridge", addresses: [], aliases: [], gatewayPriority: 0 }]);
	});

	test("is refused where it is wrong, and says where", () => {
		expect(refused({ command: [] })).toBe("NO_COMMAND at spec.command");
		expect(refused({ name: "a b" })).toBe("INVALID_NAME at spec.name");
		expect(refused({ name: "a".repeat(129) })).toBe("INVALID_NAME at spec.name");
		expect(refused({ hostname: "a_b" })).toBe("INVALID_HOSTNAME at spec.hostname");
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
		const shared = [{ network: "container:b" }];
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
