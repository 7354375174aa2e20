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
			"The data of volumes stays, unless --volumes is given too, and `wharf up` finds it again; labels and options of volumes do not.",
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
	const { containers, networks, keptVolumes, problems } = await removeEverything(
		terminal.paths,
		terminal.env,
		volumesToo,
	);
	for (const problem of problems) await terminal.err(`wharf: ${problem}\n`);
	await terminal.out(
		`Removed: ${count(containers, "container")}, ${count(networks, "network")}, and everything that was made for them.\n`,
	);
	if (keptVolumes.length > 0) {
		const names = keptVolumes.slice(0, 5).join(", ") + (keptVolumes.length > 5 ? ", …" : "");
		await terminal.out(
			`Kept: the data of ${count(keptVolumes.length, "volume")} (${names}) in ${terminal.paths.volumes}. \`wharf down --all --volumes\` removes it too.\n`,
		);
	}
	return 0;
}
