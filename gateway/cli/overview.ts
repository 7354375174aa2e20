/** `wharf --help` and `wharf network --help`: the commands in groups. Pure: gives the text. */
import { ALIASES, COMMANDS, GROUPS } from "./catalog.ts";
import { columns } from "./syntax/help.ts";

/** Only the commands that begin with `prefix`; empty: all. */
export function overview(prefix: string): string {
	const shown = prefix === "container " ? new Set(Object.values(ALIASES)) : undefined;
	const entries = Object.entries(COMMANDS).filter(([name]) => shown?.has(name) ?? name.startsWith(prefix));
	const groups = GROUPS.flatMap((group) => {
		const rows = entries
			.filter(([, entry]) => entry.group === group)
			.map(([name, { summary }]) => [name, summary] as const);
		if (rows.length === 0 || (shown !== undefined && group !== "Containers")) return [];
		return [[`${group}:`, ...columns(rows)].join("\n")];
	});
	const usage = `Usage: wharf ${prefix}COMMAND [OPTIONS] ...`;
	const intro = prefix === "" ? ["Networks, addresses, names and volumes for containers."] : [];
	return `${[usage, ...intro, ...groups, "`wharf COMMAND --help` says more about one. `wharf --version` prints the version."].join("\n\n")}\n`;
}
