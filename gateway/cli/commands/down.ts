import { removeEverything, stopControlPlane } from "../../supervisor/take-down.ts";
import { count } from "../output/quantity.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";
import type { Terminal } from "../terminal.ts";

export default command({
	name: "down",
	summary: "Stops the services. Containers, their traffic and their mounts go on; `wharf up` takes them over again.",
	operands: "",
	minOperands: 0,
	maxOperands: 0,
	notes: [
		"With --all, containers, networks, addresses, names and everything else of wharf go as well, also when services are dead. " +
			"Volumes stay, with their data and labels (volumes/ and state/volumed.db below the root), unless --volumes is given too: `wharf up` finds them again.",
		"What cannot be removed is told, everything else is removed all the same, and the exit status is 1.",
	],
	flags: {
		all: { kind: "switch", help: "Leave nothing of wharf on this machine but the volumes" },
		volumes: { kind: "switch", help: "With --all: remove the volumes and their data too" },
	},
	async run({ flags: { all, volumes }, terminal }) {
		if (volumes && !all) {
			throw syntaxFaults.INVALID_VALUE({ what: "The flag", value: "--volumes", allowed: "given together with --all" });
		}
		if (all) return everything(terminal, volumes);
		const wasUp = await stopControlPlane(terminal.paths);
		await terminal.out(
			wasUp
				? "The services are down. Containers and their traffic go on; `wharf down --all` ends these too.\n"
				: "The services were down already.\n",
		);
		return 0;
	},
});

async function everything(terminal: Terminal, volumesToo: boolean): Promise<number> {
	const { containers, networks, keptVolumes, problems, left } = await removeEverything(
		terminal.paths,
		terminal.env,
		volumesToo,
	);
	for (const problem of [...problems, ...left]) await terminal.err(`wharf: ${problem}\n`);
	const rest = left.length === 0 ? ", and everything that was made for them" : "";
	await terminal.out(`Removed: ${count(containers, "container")}, ${count(networks, "network")}${rest}.\n`);
	if (keptVolumes.length > 0) {
		const names = keptVolumes.slice(0, 5).join(", ") + (keptVolumes.length > 5 ? ", …" : "");
		await terminal.out(
			`Kept: ${count(keptVolumes.length, "volume")} (${names}), data and labels, in ${terminal.paths.root}. \`wharf down --all --volumes\` removes them too.\n`,
		);
	}
	if (left.length === 0) return 0;
	await terminal.err("Mend that, and run `wharf down --all` again: it goes on from there.\n");
	return 1;
}
