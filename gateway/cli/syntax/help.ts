/** `--help`, made from a command's declaration. Pure: gives the text. */
import { COMMON_FLAGS, type Command, type Flag } from "./command.ts";

const WIDTH = 100;

// oxlint-disable-next-line typescript/no-explicit-any -- only the declaration is read; `run`, which needs the flags' types, is not.
export function helpOf(command: Command<any>): string {
	const own = Object.entries<Flag>(command.flags);
	const taken = new Set(own.map(([, flag]) => flag.short));
	const common = Object.entries(COMMON_FLAGS).map(
		([name, { short, ...flag }]) => [name, taken.has(short) ? flag : { ...flag, short }] as const,
	);
	const flags: (readonly [string, Flag])[] = [...own, ...common];
	const sections = [
		`Usage: wharf ${`${command.name} [OPTIONS] ${command.operands}`.trim()}`,
		command.summary,
		...(command.notes ?? []).map((note) => wrap(note, WIDTH, "").join("\n")),
		["Options:", ...columns(flags.map(([name, flag]) => [flagWords(name, flag), flag.help]))].join("\n"),
	];
	if (command.examples !== undefined) {
		sections.push(
			["Examples:", ...command.examples.flatMap(([line, does]) => [`  # ${does}`, `  ${line}`])].join("\n"),
		);
	}
	return `${sections.join("\n\n")}\n`;
}

/** Rows of two columns, the second one wrapped below itself. */
export function columns(rows: readonly (readonly [left: string, right: string])[]): string[] {
	const left = Math.max(...rows.map(([text]) => text.length)) + 2;
	const indent = " ".repeat(2 + left);
	return rows.map(([text, right]) => {
		const lines = wrap(right, WIDTH - indent.length, indent);
		return `  ${text.padEnd(left)}${lines.join("\n")}`;
	});
}

function flagWords(name: string, flag: Flag): string {
	const short = flag.short === undefined ? "    " : `-${flag.short}, `;
	return `${short}--${name}${flag.kind === "switch" ? "" : ` ${flag.value}`}`;
}

/** Lines after the first one begin with `indent`. */
function wrap(text: string, width: number, indent: string): string[] {
	const lines: string[] = [];
	let line = "";
	for (const word of text.split(" ")) {
		if (line !== "" && line.length + 1 + word.length > width) {
			lines.push(line);
			line = word;
		} else line = line === "" ? word : `${line} ${word}`;
	}
	lines.push(line);
	return lines.map((one, index) => (index === 0 ? one : indent + one));
}
