/** Asks one service, by name, or one HTTP address whether it is well; exit status 0 when it is. For container health checks. */
import { Paths } from "#lib/config/paths.ts";
import { checkHealth } from "#lib/rpc/check-health.ts";

async function isWell(target: string): Promise<boolean> {
	if (target.startsWith("http://")) return (await fetch(target)).ok;
	return (await checkHealth({ unix: Paths.fromEnv(process.env).socket(target) })) === "SERVING";
}

const well = await isWell(process.argv[2] ?? "").catch(() => false);
console.log(well ? "SERVING" : "not serving");
process.exitCode = well ? 0 : 1;
