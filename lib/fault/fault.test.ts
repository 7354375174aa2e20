import { describe, expect, test } from "vitest";
import { atField, Fault, isFault } from "./fault.ts";

const fault = (field?: string) =>
	new Fault({
		code: "NOT_FOUND",
		reason: "NO_NETWORK",
		domain: "netd",
		message: "There is no network a.",
		help: "See `wharf network ls`.",
		metadata: { name: "a" },
		cause: "why",
		field,
	});

/** What `body` throws. */
function thrown(body: () => unknown): unknown {
	try {
		return body();
	} catch (error) {
		return error;
	}
}

describe("at", () => {
	test("names the field and keeps everything else", () => {
		const { name, code, reason, domain, message, help, metadata, cause, field } = fault().at("network");
		expect({ name, code, reason, domain, message, help, metadata, cause, field }).toEqual({
			name: "Fault",
			code: "NOT_FOUND",
			reason: "NO_NETWORK",
			domain: "netd",
			message: "There is no network a.",
			help: "See `wharf network ls`.",
			metadata: { name: "a" },
			cause: "why",
			field: "network",
		});
	});

	test("leaves a field that is named already", () => {
		expect(fault("ports[1]").at("ports").field).toBe("ports[1]");
	});
});

describe("atField", () => {
	test("gives the result", () => {
		expect(atField("x", () => 1)).toBe(1);
	});

	test("says a fault of the field, and leaves other errors alone", () => {
		const refuse = () => {
			throw fault();
		};
		expect(thrown(() => atField("x", refuse))).toMatchObject({ reason: "NO_NETWORK", field: "x" });
		const bug = new TypeError("bug");
		const fail = () => {
			throw bug;
		};
		expect(thrown(() => atField("x", fail))).toBe(bug);
	});
});

test("isFault tells faults, and their reasons", () => {
	expect(isFault(fault())).toBe(true);
	expect(isFault(fault(), "NO_NETWORK")).toBe(true);
	expect(isFault(fault(), "OTHER")).toBe(false);
	expect(isFault(new Error("NO_NETWORK"), "NO_NETWORK")).toBe(false);
});

test("a fault without a cause has none", () => {
	expect("cause" in new Fault({ code: "ABORTED", reason: "R", domain: "d", message: "m" })).toBe(false);
});
