import { describe, expect, test } from "vitest";
import { isFault } from "#lib/fault/fault.ts";
import { command } from "./command.ts";
import { helpOf } from "./help.ts";
import { parse } from "./parse.ts";

const RUN = command({
	name: "run",
	summary: "Runs.",
	operands: "IMAGE COMMAND [ARG...]",
	minOperands: 1,
	maxOperands: 10,
	commandAfter: 1,
	flags: {
		detach: { kind: "switch", short: "d", help: "Leave it" },
		interactive: { kind: "switch", short: "i", help: "Input" },
		tty: { kind: "switch", short: "t", help: "Terminal" },
		name: { kind: "text", value: "NAME", help: "Name" },
		publish: { kind: "list", short: "p", value: "PORT", help: "Port" },
		network: { kind: "list", value: "NETWORK", also: ["--net"], help: "Network" },
	},
	run: async () => 0,
});

const WITH_H = command({
	name: "run",
	summary: "Runs.",
	operands: "IMAGE",
	minOperands: 1,
	maxOperands: 1,
	run: async () => 0,
	flags: { hostname: { kind: "text", short: "h", value: "NAME", help: "Name" } },
});

function parsed(...args: string[]) {
	const result = parse(RUN, args);
	if (result.help) throw new Error("help was asked for");
	return result;
}

function refused(...args: string[]): string {
	try {
		parse(RUN, args);
	} catch (error) {
		if (isFault(error)) return `${error.reason}: ${error.message}`;
		throw error;
	}
	throw new Error("it was accepted");
}

describe("parse", () => {
	test("values in every spelling", () => {
		for (const args of [
			["--publish", "8080:80"],
			["--publish=8080:80"],
			["-p", "8080:80"],
			["-p8080:80"],
			["-p=8080:80"],
			["-dp", "8080:80"],
		]) {
			expect(parsed(...args, "host").flags.publish).toEqual(["8080:80"]);
		}
		expect(parsed("--name=", "host").flags.name).toBe("");
		expect(parsed("--name", "--odd", "host").flags.name).toBe("--odd");
	});

	test("what is absent has a value of its kind", () => {
		expect(parsed("host").flags).toEqual({
			detach: false,
			interactive: false,
			tty: false,
			name: undefined,
			publish: [],
			network: [],
		});
	});

	test("switches combine, and can be told to be off", () => {
		expect(parsed("-it", "host").flags).toMatchObject({ interactive: true, tty: true, detach: false });
		expect(parsed("-d", "--detach=false", "host").flags.detach).toBe(false);
	});

	test("lists gather, other spellings count", () => {
		expect(parsed("--net=a", "--network", "b", "host").flags.network).toEqual(["a", "b"]);
	});

	test("everything behind the image is the command's", () => {
		expect(parsed("-d", "host", "ls", "-d", "--name").operands).toEqual(["host", "ls", "-d", "--name"]);
		expect(parsed("--", "host", "-x").operands).toEqual(["host", "-x"]);
		expect(parsed("-").operands).toEqual(["-"]);
	});

	test("help is help, whatever else is there", () => {
		expect(parse(RUN, ["--help"])).toEqual({ help: true });
		expect(parse(RUN, ["-dh"])).toEqual({ help: true });
		expect(parse(WITH_H, ["-h"])).toEqual({ help: true });
		expect(parse(WITH_H, ["-h", "x", "host"])).toMatchObject({ flags: { hostname: "x" } });
	});

	test("what is wrong is said in one sentence", () => {
		expect(refused("--nme", "x", "host")).toBe("UNKNOWN_FLAG: `wharf run` has no flag --nme; did you mean --name?");
		expect(refused("-x", "host")).toBe("UNKNOWN_FLAG: `wharf run` has no flag -x.");
		expect(refused("-p")).toBe("FLAG_NEEDS_VALUE: -p needs a value: -p PORT.");
		expect(refused("--detach=maybe", "host")).toMatch(/^FLAG_TAKES_NO_VALUE: --detach takes true or false/);
		expect(refused("--name=a", "--name=b", "host")).toBe("FLAG_GIVEN_TWICE: --name is given twice.");
		expect(refused()).toMatch(/^TOO_FEW_OPERANDS: `wharf run` needs more: wharf run IMAGE/);
		expect(refused("a", ..."bcdefghijk")).toMatch(/^TOO_MANY_OPERANDS: /);
	});
});

describe("help", () => {
	test("comes from the declaration", () => {
		expect(helpOf(RUN)).toBe(`Usage: wharf run [OPTIONS] IMAGE COMMAND [ARG...]

Runs.

Options:
  -d, --detach           Leave it
  -i, --interactive      Input
  -t, --tty              Terminal
      --name NAME        Name
  -p, --publish PORT     Port
      --network NETWORK  Network
  -h, --help             Say what this command does and end
`);
	});
});
