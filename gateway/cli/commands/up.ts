import { bringUp } from "../../supervisor/bring-up.ts";
import { elapsed } from "../output/quantity.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "up",
	summary: "Starts the services and waits until they answer. What runs already is left as it is.",
	operands: "",
	minOperands: 0,
	maxOperands: 0,
	flags: { quiet: { kind: "switch", short: "q", help: "Say nothing but what went wrong" } },
	notes: ["A private nats-server is started as well, unless WHARF_NATS_SERVERS or wharf.json names one."],
	async run({ flags, terminal }) {
		const startedAt = performance.now();
		const serving = async ({ name, startMs, pid }: { name: string; startMs: number; pid: number }): Promise<void> => {
			if (!flags.quiet) await terminal.out(`${name.padEnd(8)} answers after ${elapsed(startMs)} (process ${pid})\n`);
		};
		const wasStarted = await bringUp(terminal.paths, terminal.env, { serving });
		const what = wasStarted ? `wharf is up after ${elapsed(performance.now() - startedAt)}` : "wharf was up already";
		if (!flags.quiet) await terminal.out(`${what}: ${terminal.paths.root}\n`);
		return 0;
	},
});
