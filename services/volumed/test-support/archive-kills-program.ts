/** `archive-kills-program.ts ROUNDS SEED`: what was amiss is a line each that begins with `PROBLEM `. */
import { archiveKills } from "./archive-kills.ts";
import { seededChoices } from "./seeded-choices.ts";

const [rounds = "", seed = ""] = process.argv.slice(2);
const report = (problem: string): void => void process.stdout.write(`PROBLEM ${problem}\n`);
const counts = await archiveKills({ rounds: Number(rounds), random: seededChoices(Number(seed)), report });
for (const [what, count] of Object.entries(counts)) process.stdout.write(`  ${what}: ${count}\n`);
