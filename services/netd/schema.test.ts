/** A store of an earlier version is opened by this one with all that is in it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Store, type Statement } from "#lib/store/store.ts";
import { insertPorts, portOf } from "./port.ts";
import { migrations } from "./schema.ts";
import { tcp } from "./test-support/netd.ts";

const CREATED: Statement[] = [
	{
		sql: `INSERT INTO networks (id, name, driver, state, created_at, internal, ipv6, attachable, predefined, resolves_names,
			subnets, options, labels) VALUES ('n', 'n', 'bridge', 'active', 0, 0, 0, 0, 0, 0, '[]', '{}', '{}')`,
		params: [],
	},
	{
		sql: `INSERT INTO sandboxes (id, holder, owner, name, hostname, netns_path, adopted, state, created_at, dns_servers,
			resolver_port) VALUES ('s', 'h', 'o', '', '', '/s', 0, 'active', 0, '[]', 1)`,
		params: [],
	},
	{
		sql: `INSERT INTO endpoints (id, network_id, sandbox_id, state, created_at, interface, host_interface, mac, addresses,
			aliases) VALUES ('e', 'n', 's', 'active', 0, 'eth0', 'wv-1', '', '[]', '[]')`,
		params: [],
	},
];

test("published ports are kept, others of SCTP can be added, and all go with their endpoint", async () => {
	const folder = mkdtempSync(join(tmpdir(), "netd-schema-"));
	const path = join(folder, "netd.db");
	const before = await Store.open({ path, migrations: migrations.slice(0, 2) });
	await before.write([...CREATED, ...insertPorts("e", [tcp(8080, 80)])]);
	await before.close();
	const store = await Store.open({ path, migrations });
	const ports = () => store.all<Parameters<typeof portOf>[0]>("SELECT * FROM ports ORDER BY host_port").map(portOf);
	expect(ports()).toEqual([tcp(8080, 80)]);
	await store.write(insertPorts("e", [{ ...tcp(8081, 80), protocol: "sctp" }]));
	expect(ports().map(({ protocol }) => protocol)).toEqual(["tcp", "sctp"]);
	await expect(store.write(insertPorts("e", [tcp(8082, 81), tcp(8080, 81)]))).rejects.toMatchObject({
		name: "ConstraintError",
	});
	await store.write([{ sql: "DELETE FROM endpoints", params: [] }]);
	expect(ports()).toEqual([]);
	await store.close();
	rmSync(folder, { recursive: true });
});
