/**
 * ipamd against what it is to reach: the allocator alone; AllocateAddress through gRPC, durable when answered, beside CNI's host-local
 * where that is installed (`bench/setup-peers`); ten thousand subnets with a million leases. Prints only.
 *
 * The client shares the machine with ipamd, as netd does.
 */
import { allocator } from "./ipam/allocator.ts";
import { leasing } from "./ipam/leasing.ts";
import { scale } from "./ipam/scale.ts";
import { printTable, type Row } from "./support/figures.ts";

// What was started ends with this process: exec sees to it at an exit, and a signal alone is none.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

const rows: Row[] = [];
for (const part of [allocator, leasing, scale]) {
	await part((row) => {
		rows.push(row);
		console.log(`${row.figure}: ${row.ours} (aim ${row.aim}) ${row.beside}`);
	});
}
printTable("ipamd", rows);
