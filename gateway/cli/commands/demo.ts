import { runDemo } from "../demo/demo.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "demo",
	summary:
		"The tour: a network, two containers that meet by name, a published port, a volume backed up and restored; with times.",
	operands: "",
	minOperands: 0,
	maxOperands: 0,
	notes: [
		"What it makes begins with `demo` or is called `web`; what a former tour made is removed first. The services stay up.",
	],
	flags: {
		port: { kind: "text", short: "p", value: "PORT", help: "The host's port to publish at; 8080 without this" },
	},
	run: ({ flags, terminal }) => runDemo(terminal, flags.port ?? "8080"),
});
