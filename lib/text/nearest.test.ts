import { describe, expect, test } from "vitest";
import { nearest, suggestion } from "./nearest.ts";

describe("suggestion", () => {
	test("finds slips of the keys, and nothing far away", () => {
		expect(suggestion("netwrok ls", ["network ls", "network rm"])).toBe("network ls");
		expect(suggestion("pss", ["ps", "port"])).toBe("ps");
		expect(suggestion("xyzzy", ["ps", "port", "run"])).toBeUndefined();
	});
});

describe("nearest", () => {
	test("is there however far it is, and does not mind the case", () => {
		expect(nearest("LOGLEVEL", ["logLevel", "host"])).toBe("logLevel");
		expect(nearest("xyzzy", ["port", "ps"])).toBe("port");
		expect(nearest("xyzzy", [])).toBeUndefined();
	});

	test("the first of those that are equally near", () => expect(nearest("a", ["b", "c"])).toBe("b"));
});
