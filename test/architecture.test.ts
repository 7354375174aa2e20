/**
 * The import law: who may know whom. Read from the sources, so that a violation fails where it is written and not when it hurts.
 *
 * - `lib` imports only `lib`.
 * - A service imports itself and `lib`; neither another service nor the gateway. The gateway imports no service: it asks over gRPC.
 * - Generated code stays at the edge: `rpc.ts`, `convert.ts` (or `convert-<noun>.ts`), `peers/`, the gateway's compose layer and command line, `lib/rpc`, `lib/events`.
 * - A door package is imported behind its door alone.
 * - Nothing imports tests.
 *
 * Tests may use generated code and the packages behind the doors: what they assert they look up by another road than the code's own.
 */
import { readFileSync } from "node:fs";
import { glob } from "node:fs/promises";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = new URL("../", import.meta.url);
const SOURCES = "{lib,services,gateway,test}/**/*.ts";
const GENERATED = "proto/gen/";

/** Package -> the folder behind which it may be imported. */
const DOORS: Readonly<Record<string, string>> = {
	"@grpc/grpc-js": "lib/rpc/",
	"@grpc/proto-loader": "lib/rpc/",
	"@grpc/reflection": "lib/rpc/",
	"grpc-health-check": "lib/rpc/",
	execa: "lib/exec/",
	"node:child_process": "lib/exec/",
	koffi: "lib/linux/",
	nats: "lib/events/",
	"node:sqlite": "lib/store/",
	"ip-num": "lib/address/",
	dns2: "services/dnsd/",
	pino: "lib/log/",
};

const MAY_USE_GENERATED = [
	/^lib\/(rpc|events)\//,
	/^services\/[^/]+\/(rpc|convert(-[a-z]+)?)\.ts$/,
	/^services\/[^/]+\/peers\//,
	/^gateway\/(rpc|convert)\.ts$/,
	/^gateway\/(compose|cli|peers)\//,
];

const TESTS = [/^test\//, /\.test\.ts$/, /\/(test-support|testing)\//];

const isTest = (path: string) => TESTS.some((pattern) => pattern.test(path));

/** `import … from`, `export … from`, `import "…"`, `import("…")` and `require("…")`; statements begin a line. */
const SPECIFIERS = [
	/^[\t ]*(?:import|export)\b[^;"'`]*?\bfrom\s*["']([^"']+)["']/gm,
	/^[\t ]*import\s*["']([^"']+)["']/gm,
	/\b(?:import|require|getBuiltinModule)\(\s*["'`]([^"'`]+)["'`]\s*\)/g,
];

function specifiersOf(source: string): string[] {
	return SPECIFIERS.flatMap((pattern) => [...source.matchAll(pattern)].map(([, specifier = ""]) => specifier));
}

/** A path from the root, or a package's name. `node:` is put before what Node also takes without it. */
function resolve(from: string, specifier: string): string {
	if (specifier.startsWith("#lib/")) return specifier.replace("#lib/", "lib/");
	if (specifier.startsWith("#gen/")) return specifier.replace("#gen/", GENERATED);
	if (specifier.startsWith(".")) return posix.join(posix.dirname(from), specifier);
	if (specifier === "child_process") return "node:child_process";
	return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

/** The parts that know each other only through `lib` and gRPC; undefined for packages. */
function partOf(path: string): string | undefined {
	return /^(lib|gateway|test|bench|examples|bin|services\/[^/]+)\//.exec(path)?.[1];
}

/** Why `from` may not import `target`, or undefined. */
function objection(from: string, target: string): string | undefined {
	const [part, other] = [partOf(from), partOf(target)];
	if (part !== "test" && other !== undefined && other !== part && other !== "lib") {
		return `${part} does not import ${other}`;
	}
	if (isTest(from)) return undefined;
	if (isTest(target)) return "nothing imports tests";
	if (target.startsWith(GENERATED) && !MAY_USE_GENERATED.some((pattern) => pattern.test(from))) {
		return "generated code stays in rpc.ts, convert*.ts and peers/";
	}
	const door = DOORS[target];
	return door !== undefined && !from.startsWith(door) ? `only ${door} imports ${target}` : undefined;
}

/** One line per violation: `services/a/x.ts -> services/b/y.ts: …`. */
function violations(sources: ReadonlyMap<string, string>): string[] {
	return [...sources].flatMap(([from, source]) =>
		specifiersOf(source).flatMap((specifier) => {
			const why = objection(from, resolve(from, specifier));
			return why === undefined ? [] : [`${from} -> ${specifier}: ${why}`];
		}),
	);
}

test("the sources keep the import law", async () => {
	const paths = (await Array.fromAsync(glob(SOURCES, { cwd: ROOT.pathname }))).sort();
	expect(paths).toContain("lib/rpc/serve.ts");
	const sources = new Map(paths.map((path) => [path, readFileSync(new URL(path, ROOT), "utf8")]));
	expect(violations(sources)).toEqual([]);
});

describe("the law itself", () => {
	const refused: readonly (readonly [from: string, source: string])[] = [
		["lib/store/store.ts", 'import { main } from "../../services/netd/main.ts";'],
		["lib/store/store.ts", 'import { Ipam } from "#gen/wharf/ipam/v1/ipam.ts";'],
		["lib/log/log.test.ts", 'import { x } from "../../gateway/x.ts";'],
		["services/netd/network.ts", 'import { Pool } from "../ipamd/pool.ts";'],
		["services/netd/network.ts", 'import type { Pool } from "../ipamd/pool.ts";'],
		["services/netd/network.test.ts", 'import { Pool } from "../ipamd/pool.ts";'],
		["services/netd/drivers/bridge.ts", 'export * from "../../../gateway/faults.ts";'],
		["services/netd/network.ts", 'import type {\n\tNetwork,\n} from "#gen/wharf/network/v1/network.ts";'],
		["services/netd/network.ts", 'import { Network } from "../../proto/gen/wharf/network/v1/network.ts";'],
		["services/netd/network.ts", 'import "nats";'],
		["services/netd/network.ts", 'const grpc = await import("@grpc/grpc-js/build/src/server.js");'],
		["services/netd/network.ts", 'const { spawn } = require("child_process");'],
		["services/netd/network.ts", 'const { spawn } = process.getBuiltinModule("node:child_process");'],
		["services/netd/network.ts", 'import { place } from "#lib/rpc/testing/echo.ts";'],
		["services/ipamd/pool.ts", 'import { DatabaseSync } from "node:sqlite";'],
		["gateway/supervisor/supervisor.ts", 'import { execa } from "execa";'],
		["gateway/compose/run.ts", 'import { networks } from "../../services/netd/networks.ts";'],
		["gateway/runtime/runc.ts", 'import { Output } from "#gen/wharf/container/v1/container.ts";'],
	];

	test.each(refused)("%s: %j is refused", (from, source) => {
		expect(violations(new Map([[from, source]]))).toHaveLength(1);
	});

	const allowed: readonly (readonly [from: string, source: string])[] = [
		["lib/rpc/status.ts", 'import { Status } from "#gen/google/rpc/status.ts";\nimport { x } from "@grpc/grpc-js";'],
		["lib/store/store.ts", 'import { DatabaseSync } from "node:sqlite";\nimport { x } from "../fault/fault.ts";'],
		[
			"services/netd/rpc.ts",
			'import { x } from "#gen/wharf/network/v1/network.ts";\nimport { y } from "./network.ts";',
		],
		["services/netd/peers/ipam.ts", 'import { x } from "#gen/wharf/ipam/v1/ipam.ts";'],
		["services/dnsd/upstream/message.ts", 'import { Packet } from "dns2";'],
		["gateway/cli/commands/ps.ts", 'import { x } from "#gen/wharf/container/v1/container.ts";'],
		["services/netd/netd.kernel.test.ts", 'import { execFileSync } from "node:child_process";'],
		[
			"test/support/audit/stores.ts",
			'import { DatabaseSync } from "node:sqlite";\nimport { x } from "#lib/config/paths.ts";',
		],
		["services/netd/network.ts", '// as in import { Pool } from "../ipamd/pool.ts"\nimport { isIP } from "node:net";'],
	];

	test.each(allowed)("%s: %j is allowed", (from, source) => {
		expect(violations(new Map([[from, source]]))).toEqual([]);
	});
});
