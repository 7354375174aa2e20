/** The allocator of one subnet, in memory. */
import { Cidr } from "#lib/address/cidr.ts";
import { Pool } from "../../services/ipamd/pool.ts";
import { median, type Report } from "../support/figures.ts";

const ROUNDS = 5;
const TAKES = 60_000;
const LOOKS = 2_000;

export async function allocator(report: Report): Promise<void> {
	for (const subnet of ["10.0.0.0/16", "10.0.0.0/8", "fd00::/64"]) {
		const perSecond = Array.from({ length: ROUNDS }, () => {
			const pool = poolOf(subnet);
			return (1_000 * TAKES) / elapsedMs(() => takes(pool, TAKES));
		});
		const ours = `${Math.round(median(perSecond)).toLocaleString("en")}/s`;
		report({ figure: `allocator alone, ${subnet}`, ours, aim: "1,000,000/s", beside: "" });
	}
	for (const subnet of ["10.0.0.0/16", "10.0.0.0/8"]) {
		const { last, first } = lastAndFirst(subnet);
		const ours = `${last.toFixed(2)} µs`;
		const beside = `${(last / first).toFixed(2)}x of the first of an empty one, ${first.toFixed(2)} µs`;
		report({ figure: `the last free address of ${subnet}`, ours, aim: "2x of the first", beside });
	}
}

/** The only free address, far behind the cursor, and the first of an empty pool: a median of single takes, microseconds. */
function lastAndFirst(subnet: string): { readonly last: number; readonly first: number } {
	const full = poolOf(subnet);
	while (full.take() !== undefined);
	full.undo({ ip: Cidr.parse(subnet).last.plus(-1n), restingSince: undefined });
	return { last: oneByOne(full), first: oneByOne(poolOf(subnet)) };
}

function oneByOne(pool: Pool): number {
	const microseconds = Array.from({ length: LOOKS }, () => {
		let taken: ReturnType<Pool["take"]>;
		const ms = elapsedMs(() => (taken = pool.take()));
		if (taken !== undefined) pool.undo(taken);
		return 1_000 * ms;
	});
	return median(microseconds);
}

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
