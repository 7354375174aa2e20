import { describe, expect, test } from "vitest";
import { createLog, type LogLevel } from "./log.ts";

function recorded(level?: LogLevel) {
	const lines: Record<string, unknown>[] = [];
	const sink = { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) };
	return { lines, log: createLog({ service: "netd", sink, ...(level === undefined ? {} : { level }) }) };
}

describe("createLog", () => {
	test("writes one JSON object a line, with the service and a readable level", () => {
		const { lines, log } = recorded();
		log.info("listening", { socket: "/run/x.sock" });
		expect(lines).toEqual([
			{
				level: "info",
				time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
				service: "netd",
				pid: process.pid,
				message: "listening",
				socket: "/run/x.sock",
			},
		]);
	});

	test("leaves out what is below its level", () => {
		const { lines, log } = recorded("warn");
		log.debug("a");
		log.info("b");
		log.change("link.add");
		log.warn("c");
		log.error("d");
		expect(lines.map((line) => line["message"])).toEqual(["c", "d"]);
	});

	test("a change to the kernel is one line that names it", () => {
		const { lines, log } = recorded();
		log.change("link.add", { name: "veth0" });
		expect(lines).toMatchObject([{ level: "info", message: "change", change: "link.add", name: "veth0" }]);
	});

	test("a child's lines carry its fields, and the parent's do not", () => {
		const { lines, log } = recorded();
		const child = log.child({ requestId: "r1" }).child({ network: "n1" });
		child.info("made");
		log.info("other");
		expect(lines[0]).toMatchObject({ requestId: "r1", network: "n1" });
		expect(lines[1]).not.toHaveProperty("requestId");
	});

	test("an error comes with its message, its stack and its cause", () => {
		const { lines, log } = recorded();
		log.error("failed", { err: new Error("outer", { cause: new Error("inner") }) });
		const err = lines[0]?.["err"] as { message: string; stack: string };
		expect(err.message).toContain("outer");
		expect(err.stack).toContain("log.test.ts");
		expect(err.stack).toContain("inner");
	});
});
