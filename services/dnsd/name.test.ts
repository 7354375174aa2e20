import { describe, expect, it } from "vitest";
import { findKey, findWire, isBelow, keyOfWire, labelsBefore, type NameKey } from "./name.ts";

function key(text: string): NameKey {
	const found = findKey(text);
	if (found === undefined) throw new Error(`${text} is no name`);
	return found;
}

describe("names", () => {
	it("are compared without case, in wire form", () => {
		expect(key("Web.FrontEnd")).toBe("\x03web\x08frontend");
		expect(key("web.frontend.")).toBe(key("WEB.frontend"));
		expect(findWire("Web")).toEqual(Buffer.from("\x03Web\x00", "latin1"));
	});

	it.each(["", ".", "a..b", ".a", "a b", "ä", "x".repeat(64), Array(128).fill("aa").join(".")])("refuse %j", (text) => {
		expect(findKey(text)).toBeUndefined();
	});

	it("take labels of 63 bytes and 255 bytes in all", () => {
		const label = "x".repeat(63);
		expect(findWire(label)?.length).toBe(65);
		expect(findWire([label, label, label, "x".repeat(61)].join("."))?.length).toBe(255);
		expect(findWire([label, label, label, "x".repeat(62)].join("."))).toBeUndefined();
	});

	it("fold no bytes above ASCII, which have no case", () => {
		expect(keyOfWire("\x02A\xc0")).toBe("\x02A\xc0");
		expect(keyOfWire("\x02AB")).toBe("\x02ab");
	});

	it("know what is below what, by labels and not by characters", () => {
		expect(isBelow(key("web.frontend"), key("frontend"))).toBe(true);
		expect(labelsBefore(key("a.web.frontend"), key("frontend"))).toBe(key("a.web"));
		expect(isBelow(key("frontend"), key("frontend"))).toBe(false);
		expect(isBelow(key("webfrontend"), key("frontend"))).toBe(false);
		// One label whose bytes look like a length and a label.
		expect(isBelow("\x06ab\x03net" as NameKey, key("net"))).toBe(false);
	});
});
