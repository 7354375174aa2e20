/** Ten thousand subnets with a million leases: how long ipamd takes to serve, and what it takes to hold them. */
import { GetUsageRequest, IpamServiceService, ListSubnetsRequest } from "#gen/wharf/ipam/v1/ipam.ts";
import { allPages } from "#lib/rpc/all-pages.ts";
import { client } from "#lib/rpc/client.ts";
import { Store } from "#lib/store/store.ts";
import { MIGRATIONS } from "../../services/ipamd/schema.ts";
import { Daemon } from "../../services/ipamd/test-support/daemon.ts";
import { type Report, Times } from "../support/figures.ts";
import { nodeOptions } from "../../gateway/supervisor/node-options.ts";
import { residentMb } from "../support/resident.ts";

const SUBNETS = 10_000;
const LEASES_EACH = 100;
const STARTS = 3;

export async function scale(report: Report): Promise<void> {
	const node = nodeOptions("ipamd");
	await using daemon = new Daemon({ WHARF_LOG_LEVEL: "warn", ...node.env }, node.args);
	await filled(daemon.paths.state("ipamd"));
	const starts = new Times();
	for (let start = 0; start < STARTS; start++) {
		if (start > 0) await daemon.end("SIGTERM");
		await starts.of(() => daemon.start());
	}
	const what = `${SUBNETS.toLocaleString("en")} subnets, ${(SUBNETS * LEASES_EACH).toLocaleString("en")} leases`;
	report({ figure: `${what}: to serve`, ours: `${(starts.median / 1_000).toFixed(2)} s`, aim: "2 s", beside: "" });
	report({
		figure: "resident memory then",
		ours: `${Math.round(residentMb(daemon.pid))} MB`,
		aim: "300 MB",
		beside: "",
	});
	using ipamd = client(IpamServiceService, { unix: daemon.paths.socket("ipamd") }, { pipeline: true });
	const subnets = await allPages(
		(page) => ipamd.listSubnets({ ...ListSubnetsRequest.fromPartial({}), ...page }),
		(answer) => answer.subnets,
	);
	let inUse = 0n;
	for (const { id } of subnets) inUse += (await ipamd.getUsage(GetUsageRequest.fromPartial({ id }))).usage?.inUse ?? 0n;
	if (inUse !== BigInt(SUBNETS * LEASES_EACH)) throw new Error(`${inUse} leases are there`);
	report({
		figure: "the same when each has been used",
		ours: `${Math.round(residentMb(daemon.pid))} MB`,
		aim: "300 MB",
		beside: "",
	});
}

/** In the file as ipamd writes it, by a few statements. */
async function filled(path: string): Promise<void> {
	await using store = await Store.open({ path, migrations: MIGRATIONS });
	const subnets = `
		WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${SUBNETS - 1})
		INSERT INTO subnet (id, holder, owner, cidr, gateway, auxiliary, created_at)
		SELECT lower(hex(randomblob(32))), 'netd', lower(hex(randomblob(32))),
			format('10.%d.%d.0/22', i >> 6, (i & 63) << 2), format('10.%d.%d.1', i >> 6, (i & 63) << 2), '{}', 1
		FROM n`;
	const leases = `
		WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${LEASES_EACH - 1})
		INSERT INTO lease (subnet, address, holder, owner, mac, name, created_at)
		SELECT row, unhex(format('0A%02X%02X%02X', (row - 1) >> 6, ((row - 1) & 63) << 2, i + 2)), 'netd',
			lower(hex(randomblob(32))), '02:42:0a:00:00:02', 'container-' || i, 1
		FROM subnet, n`;
	for (const sql of [subnets, leases]) await store.write([{ sql }]);
}
