import { describe, expect, test } from "vitest";
import { ALIASES, COMMANDS, find } from "./catalog.ts";
import { overview } from "./overview.ts";
import type { Flag } from "./syntax/command.ts";
import { helpOf } from "./syntax/help.ts";

describe("the command line", () => {
	test("every command says what it does, under the name it is found by", async () => {
		for (const [name, { load }] of Object.entries(COMMANDS)) {
			const { default: command } = await load();
			expect(command.name).toBe(name);
			expect(helpOf(command)).toContain(`Usage: wharf ${name} [OPTIONS]`);
			expect(overview("")).toContain(`  ${name} `);
		}
	});

	test("no two flags of a command share a letter or a word", async () => {
		for (const { load } of Object.values(COMMANDS)) {
			const { default: command } = await load();
			const flags = Object.entries<Flag>(command.flags);
			const words = flags.flatMap(([name, { short, also = [] }]) => [
				`--${name}`,
				...(short ? [`-${short}`] : []),
				...also,
			]);
			expect(new Set(words).size).toBe(words.length);
		}
	});

	test("finds commands by their words, Docker's longer ones too", () => {
		expect(find(["network", "ls", "-q"])).toMatchObject({ kind: "command", name: "network ls", args: ["-q"] });
		expect(find(["container", "stop", "x"])).toMatchObject({ kind: "command", name: "stop", args: ["x"] });
		expect(find(["ps", "-a"])).toMatchObject({ kind: "command", name: "ps", args: ["-a"] });
		expect(Object.values(ALIASES).every((name) => name in COMMANDS)).toBe(true);
	});

	test("help on a command is that command's --help", () => {
		expect(find(["help", "run"])).toMatchObject({ kind: "command", name: "run", args: ["--help"] });
		expect(find(["help", "network", "ls"])).toMatchObject({ name: "network ls", args: ["--help"] });
		expect(find(["help", "network"])).toEqual({ kind: "list", prefix: "network " });
		expect(find(["help", "nonsense"])).toEqual({ kind: "unknown", words: ["nonsense"] });
	});

	test("lists what there is when it is asked, and knows what it does not know", () => {
		expect([find([]), find(["--help"]), find(["network", "--help"]), find(["volume"])]).toEqual([
			{ kind: "list", prefix: "" },
			{ kind: "list", prefix: "" },
			{ kind: "list", prefix: "network " },
			{ kind: "list", prefix: "volume " },
		]);
		expect(find(["network", "lss"])).toEqual({ kind: "unknown", words: ["network", "lss"] });
		expect(find(["-D", "ps"])).toEqual({ kind: "unknown", words: ["-D"] });
		expect(find(["toString"])).toEqual({ kind: "unknown", words: ["toString"] });
	});
});
