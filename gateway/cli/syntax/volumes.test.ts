import { describe, expect, test } from "vitest";
import { parseEnvironment, parsePairs } from "./pairs.ts";
import { parseVolume } from "./volumes.ts";

const volume = (name: string, destination: string, { readOnly = false, noCopy = false } = {}) => ({
	destination,
	readOnly,
	source: { kind: "volume", name, noCopy },
});
const bind = (path: string, destination: string, { readOnly = false, propagation = "" } = {}) => ({
	destination,
	readOnly,
	source: { kind: "bind", path, propagation },
});

describe("-v", () => {
	test.each([
		["/volume1", volume("", "/volume1")],
		["data:/data", volume("data", "/data")],
		["data:/data:ro", volume("data", "/data", { readOnly: true })],
		["data:/data:nocopy,ro", volume("data", "/data", { readOnly: true, noCopy: true })],
		["data:/data:z", volume("data", "/data")],
		["/srv:/srv", bind("/srv", "/srv")],
		["/srv:/srv:ro,rslave", bind("/srv", "/srv", { readOnly: true, propagation: "rslave" })],
		["/etc/hosts:/etc/hosts:Z,cached", bind("/etc/hosts", "/etc/hosts")],
		["./src:/src", bind("/home/me/src", "/src")],
		["..:/up", bind("/home", "/up")],
		[".:/here", bind("/home/me", "/here")],
	])("%s", (text, expected) => expect(parseVolume(text, "/home/me")).toEqual(expected));

	test.each(["", ":/x", "data", "data:relative", "a/b:/x", "a:/x:y", "a:/x:ro:rw", "data:/data:rshared"])(
		"%j is refused with what is allowed",
		(text) => expect(() => parseVolume(text, "/home/me")).toThrow(/^The volume ".*" is not valid: it has to be /),
	);
});

describe("pairs", () => {
	test("labels and options", () => {
		expect(parsePairs(["a=1", "b", "c=x=y", "a=2"], "The label")).toEqual({ a: "2", b: "", c: "x=y" });
		expect(() => parsePairs(["=x"], "The label")).toThrow('The label "=x" is not valid: it has to be KEY=VALUE.');
	});

	test("environments take a value from the caller's, or leave the name out", () => {
		expect(parseEnvironment(["A=1", "B", "C", "D="], { B: "two" })).toEqual(["A=1", "B=two", "D="]);
	});
});
