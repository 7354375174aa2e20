/**
 * The long rounds: random commands with random kills, every named kill point, and a NATS that is dead for minutes. Or, with `netd`
 * behind, rounds of netd alone; with `ipamd`, eight programs that ask it for everything while it is killed a hundred times; with
 * `dns`, ten million packets to dnsd's decoders; with `volumed`, mounts that somebody swaps directories for links under, and with
 * `volumed kills`, volumed killed at each of its kill points and at hundreds of random moments; with `volumed archives`, backups and
 * restores whose volumed, compressor or caller ends at hundreds of moments.
 *
 * `npm run soak -- --seed 7 --minutes 30` or `npm run soak -- netd --seed 7 --rounds 1000` repeats what seed 7 did, as far as timing
 * allows. Exit status 1 when anything was amiss.
 */
import { parseArgs } from "node:util";
import { untilInterrupted } from "./interruption.ts";
import { fuzzDns } from "./dns.ts";
import { visitKillPoints } from "./kill-points.ts";
import { natsOutage } from "./nats-outage.ts";
import { netdRounds } from "./netd/rounds.ts";
import { besiege } from "../../services/ipamd/test-support/siege.ts";
import { Random } from "./random.ts";
import { randomRounds } from "./rounds.ts";
import { killArchives, killVolumed, raceVolumed } from "./volumed.ts";

const NETD_ROUNDS = 1_000;
const VOLUMED_ROUNDS = 10_000;
const VOLUMED_KILLS = 300;
const ARCHIVE_KILLS = 200;

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		rounds: { type: "string" },
		kills: { type: "string", default: "100" },
		packets: { type: "string", default: "10000000" },
		seed: { type: "string", default: String(Date.now() % 1_000_000) },
		minutes: { type: "string", default: "10" },
		only: { type: "string", default: "rounds,kill-points,nats" },
		point: { type: "string", multiple: true, default: [] },
		"nats-minutes": { type: "string", default: "3" },
	},
});

const only = positionals.length > 0 ? positionals : values.only.split(",");
const lengths: Readonly<Record<string, string>> = {
	netd: `${values.rounds ?? NETD_ROUNDS} rounds of netd`,
	archives: `${values.rounds ?? ARCHIVE_KILLS} ends of backups and restores`,
	kills: `${values.rounds ?? VOLUMED_KILLS} kills of volumed`,
	volumed: `${values.rounds ?? VOLUMED_ROUNDS} rounds of volumed's mounts`,
	ipamd: `${values.kills} kills of ipamd`,
	dns: `${values.packets} packets to dnsd`,
};
const length = only
	.toReversed()
	.map((part) => lengths[part])
	.find((part) => part !== undefined);
console.log(`soak: seed ${values.seed}, ${length ?? `${values.minutes} minutes of random rounds`}`);
const random = new Random(Number(values.seed));
const problems: string[] = [];
await untilInterrupted(async (interrupted) => {
	const report = (problem: string): void => {
		if (interrupted.aborted) return;
		problems.push(problem);
		console.log(`  PROBLEM ${problem}`);
	};
	const say = (line: string): void => console.log(line);
	if (only.includes("dns")) {
		await fuzzDns({ random, packets: Number(values.packets), report, say, interrupted });
	}
	if (only.includes("netd")) {
		await netdRounds({ random, rounds: Number(values.rounds ?? NETD_ROUNDS), report, say, interrupted });
	}
	if (only.includes("volumed")) {
		const soak = (rounds: number) => ({ random, rounds: Number(values.rounds ?? rounds), report, say, interrupted });
		if (only.includes("kills")) await killVolumed(values.point, soak(VOLUMED_KILLS));
		else if (only.includes("archives")) await killArchives(soak(ARCHIVE_KILLS));
		else await raceVolumed(soak(VOLUMED_ROUNDS));
	}
	if (only.includes("ipamd")) {
		const { kills, answers, problems: found } = await besiege(Number(values.kills), random, interrupted);
		console.log(`  ${kills} kills, ${answers} answers`);
		for (const problem of found) report(problem);
	}
	if (only.includes("rounds")) await randomRounds(random, Number(values.minutes) * 60_000, report);
	if (only.includes("kill-points")) await visitKillPoints(values.point, report, interrupted);
	if (only.includes("nats")) await natsOutage(Number(values["nats-minutes"]) * 60_000, report);
});

console.log(`soak: ${problems.length} problems with seed ${values.seed}`);
process.exitCode = problems.length === 0 ? 0 : 1;
