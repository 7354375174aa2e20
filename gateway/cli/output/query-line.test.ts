import { describe, expect, test } from "vitest";
import { LoggedQuery } from "#gen/wharf/dns/v1/dns.ts";
import { queryJson, QueryLines } from "./query-line.ts";

const QUERY = LoggedQuery.fromPartial({
	timeUs: 1_767_323_045_678_009n,
	sandboxId: "5".repeat(64),
	owner: "c".repeat(64),
	container: "web",
	transport: "TRANSPORT_UDP",
	name: "db.front",
	type: "A",
	outcome: "OUTCOME_LOCAL",
	code: "NOERROR",
	answers: 1,
	data: ["172.18.0.3"],
	durationUs: 41,
});

describe("a query as a line", () => {
	test("stands below its heads", () => {
		const lines = new QueryLines();
		expect([lines.head(), lines.line(QUERY)].join("")).toBe(
			"TIME                         CONTAINER     VIA  TYPE   NAME                      OUTCOME    CODE      TOOK        ANSWER\n" +
				"2026-01-02T03:04:05.678009Z  web           udp  A      db.front                  local      NOERROR   0.041 ms    172.18.0.3\n",
		);
	});

	test("makes room for what is longer, and for those after it", () => {
		const lines = new QueryLines();
		const long = { ...QUERY, name: "a-name-that-is-longer-than.most.example", container: "a-long-container-name" };
		const [first, second] = [lines.line(long), lines.line(QUERY)];
		expect(second.indexOf("local")).toBe(first.indexOf("local"));
		expect(second.indexOf("udp")).toBe(first.indexOf("udp"));
	});

	test.each([
		[0, [], "NOERROR   0.041 ms"],
		[9, ["192.0.2.1", "192.0.2.2"], "192.0.2.1, 192.0.2.2 and 7 more"],
		[1, [], "1 record"],
		[2, [], "2 records"],
	])("says what was answered: %i records", (answers, data, end) => {
		expect(
			new QueryLines()
				.line({ ...QUERY, answers, data })
				.trimEnd()
				.endsWith(end),
		).toBe(true);
	});

	test("is an object for a program", () => {
		const over = { ...QUERY, transport: "TRANSPORT_TCP", outcome: "OUTCOME_FAILED", code: "SERVFAIL" } as const;
		expect(queryJson({ ...over, answers: 0, data: [], durationUs: 1_500_000 })).toEqual({
			Time: "2026-01-02T03:04:05.678009Z",
			Container: "web",
			ContainerID: "c".repeat(64),
			SandboxID: "5".repeat(64),
			Transport: "tcp",
			Name: "db.front",
			Type: "A",
			Outcome: "failed",
			Code: "SERVFAIL",
			Answers: 0,
			Data: [],
			DurationUs: 1_500_000,
		});
	});
});
