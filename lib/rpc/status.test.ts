import { Metadata, status as statusCode } from "@grpc/grpc-js";
import { describe, expect, test } from "vitest";
import { Fault } from "#lib/fault/fault.ts";
import { faultOf, statusOf } from "./status.ts";

const said = (fault: Fault) => {
	const { code, reason, domain, message, help, field, metadata } = fault;
	return { code, reason, domain, message, help, field, metadata };
};

const trip = (fault: Fault) => faultOf(statusOf(fault));

describe("a fault crosses the wire", () => {
	test("with everything that it says", () => {
		const fault = new Fault({
			code: "ALREADY_EXISTS",
			reason: "PORT_TAKEN",
			domain: "netd",
			message: "Port 80 is taken by « web » — 端口.",
			help: "Choose another.",
			field: "ports[1].host_port",
			metadata: { port: "80", holder: "web" },
		});
		const arrived = trip(fault);
		expect(arrived && said(arrived)).toEqual(said(fault));
		expect(arrived).toBeInstanceOf(Fault);
	});

	test("without help, field and metadata these stay absent", () => {
		const fault = new Fault({ code: "NOT_FOUND", reason: "NO_NETWORK", domain: "netd", message: "No." });
		const arrived = trip(fault);
		expect(arrived && said(arrived)).toEqual(said(fault));
	});

	test("twice, as through a service in between, unchanged", () => {
		const fault = new Fault({
			code: "ABORTED",
			reason: "X",
			domain: "ipamd",
			message: "m",
			help: "h",
			metadata: { a: "b" },
		});
		const first = trip(fault);
		const second = first && trip(first);
		expect(second && said(second)).toEqual(said(fault));
	});

	test("with each code", () => {
		for (const code of ["CANCELLED", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED", "OUT_OF_RANGE"] as const) {
			expect(trip(new Fault({ code, reason: "R", domain: "d", message: "m" }))?.code).toBe(code);
		}
	});

	test("cut to what fits into trailers; reason, domain and help stay", () => {
		const metadata = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`holder${n}`, "x".repeat(2_000)]));
		const fault = new Fault({
			code: "INTERNAL",
			reason: "R",
			domain: "d",
			message: "m".repeat(9_000),
			help: "h",
			metadata,
		});
		const status = statusOf(fault);
		const [details] = status.metadata.get("grpc-status-details-bin");
		expect(Buffer.byteLength(details ?? "")).toBeLessThan(6_000);
		expect(trip(fault)).toMatchObject({ reason: "R", domain: "d", help: "h" });
		expect(trip(fault)?.message).toMatch(/^m+…$/);
	});
});

describe("a status that no service of ours made", () => {
	test("has no fault in it", () => {
		expect(faultOf({ code: statusCode.UNAVAILABLE, details: "No connection" })).toBeUndefined();
		expect(
			faultOf({ code: statusCode.UNAVAILABLE, details: "No connection", metadata: new Metadata() }),
		).toBeUndefined();
	});

	test("nor have malformed details", () => {
		const metadata = new Metadata();
		metadata.set("grpc-status-details-bin", Buffer.from([0xff, 0xff, 0xff, 0xff]));
		expect(faultOf({ code: statusCode.NOT_FOUND, details: "x", metadata })).toBeUndefined();
	});
});
