/**
 * Leases: the allocator alone, and AllocateAddress through gRPC, durable when answered. Prints only; medians of five rounds.
 *
 * The client shares the machine with ipamd, as netd does.
 */
import { Cidr } from "#lib/address/cidr.ts";
import { Pool } from "../services/ipamd/pool.ts";
import { Daemon, type Ipamd } from "../services/ipamd/test-support/daemon.ts";
import { median } from "./netd/figures.ts";

const ROUNDS = 5;
const ALONE = 300;
const IN_FLIGHT = 64;
const TOGETHER = 6_000;

function elapsedMs(body: () => void): number {
	const start = performance.now();
	body();
	return performance.now() - start;
}

function poolOf(subnet: string): Pool {
	return new Pool({ subnet: Cidr.parse(subnet), reserved: new Map(), restMs: 60_000, now: Date.now });
}

function takes(pool: Pool, count: number): void {
	for (let index = 0; index < count; index++) pool.take();
}

function allocator(): void {
	for (const subnet of ["10.0.0.0/16", "10.0.0.0/8", "fd00::/64"]) {
		const perSecond = Array.from({ length: ROUNDS }, () => {
			const pool = poolOf(subnet);
			return 60_000_000 / elapsedMs(() => takes(pool, 60_000));
		});
		console.log(`allocator alone, ${subnet}: ${Math.round(median(perSecond)).toLocaleString("en")} addresses/s`);
	}
}

/** The only free address, far behind the cursor, beside the first of an empty pool; a thousand times each. */
function lastAddress(subnet: string): void {
	const pool = poolOf(subnet);
	while (pool.take() !== undefined);
	const last = Cidr.parse(subnet).last.plus(-1n);
	const again = (one: Pool) =>
		median(
			Array.from({ length: 2_000 }, () => {
				let taken: ReturnType<Pool["take"]>;
				const microseconds = 1_000 * elapsedMs(() => (taken = one.take()));
				if (taken !== undefined) one.undo(taken);
				return microseconds;
			}),
		);
	pool.undo({ ip: last, restingSince: undefined });
	const full = again(pool);
	const empty = again(poolOf(subnet));
	console.log(`the last free address of ${subnet}: ${full.toFixed(2)} µs; the first: ${empty.toFixed(2)} µs`);
}

async function throughGrpc(ipamd: Ipamd): Promise<void> {
	let made = 0;
	const subnetOf = async (round: number): Promise<string> => {
		const request = {
			requestId: `s${++made}`,
			holder: "bench",
			owner: `${made}`,
			addressSpace: "",
			ipRange: "",
			gateway: "",
		};
		const cidr = `10.${round}.0.0/16`;
		const answer = await ipamd.allocateSubnet({
			...request,
			family: "FAMILY_UNSPECIFIED",
			cidr,
			auxiliaryAddresses: {},
			order: "ADDRESS_ORDER_UNSPECIFIED",
		});
		return answer.subnet?.id ?? "";
	};
	const lease = (subnetId: string) => {
		const owner = `e${++made}`;
		return ipamd.allocateAddress({
			requestId: owner,
			subnetId,
			holder: "bench",
			owner,
			address: "",
			mac: "",
			name: "",
		});
	};
	const alone: number[] = [];
	const together: number[] = [];
	for (let round = 0; round < ROUNDS; round++) {
		const subnetId = await subnetOf(round);
		for (let index = 0; index < ALONE; index++) {
			const start = performance.now();
			await lease(subnetId);
			alone.push(performance.now() - start);
		}
		const start = performance.now();
		let left = TOGETHER;
		const work = async () => {
			while (left-- > 0) await lease(subnetId);
		};
		await Promise.all(Array.from({ length: IN_FLIGHT }, work));
		together.push((1_000 * TOGETHER) / (performance.now() - start));
	}
	console.log(`AllocateAddress, alone: median ${median(alone).toFixed(2)} ms`);
	console.log(`AllocateAddress, ${IN_FLIGHT} in flight: ${Math.round(median(together)).toLocaleString("en")}/s`);
}

allocator();
for (const subnet of ["10.0.0.0/16", "10.0.0.0/8"]) lastAddress(subnet);
await using daemon = new Daemon({ WHARF_LOG_LEVEL: "warn" });
await daemon.start();
using ipamd = daemon.connect();
await throughGrpc(ipamd);
