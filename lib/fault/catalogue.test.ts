import { expect, test } from "vitest";
import { catalogue } from "./catalogue.ts";
import { Fault } from "./fault.ts";

const faults = catalogue("ipamd", {
	POOL_EXHAUSTED: {
		code: "RESOURCE_EXHAUSTED",
		message: (m: { pool: string; size: string }) => `Pool ${m.pool} has no free address: all ${m.size} are leased.`,
		help: (m) => `Add to ${m.pool}.`,
	},
	NOTHING: { code: "INTERNAL", message: () => "Nothing." },
});

test("a fault is made of the values of its sentence", () => {
	const fault = faults.POOL_EXHAUSTED({ pool: "p", size: "254" });
	expect(fault).toBeInstanceOf(Fault);
	const { code, reason, domain, message, help, metadata, field } = fault;
	expect({ code, reason, domain, message, help, metadata, field }).toEqual({
		code: "RESOURCE_EXHAUSTED",
		reason: "POOL_EXHAUSTED",
		domain: "ipamd",
		message: "Pool p has no free address: all 254 are leased.",
		help: "Add to p.",
		metadata: { pool: "p", size: "254" },
		field: undefined,
	});
});

test("the throw site adds the field and the cause", () => {
	const cause = new Error("why");
	expect(faults.NOTHING({}, { field: "subnet", cause })).toMatchObject({ field: "subnet", cause, help: undefined });
});

test("the stack begins where the fault was made, not at a shared one", () => {
	expect(faults.NOTHING({})).not.toBe(faults.NOTHING({}));
	expect(faults.NOTHING({}).stack).toContain("catalogue.test.ts");
});
