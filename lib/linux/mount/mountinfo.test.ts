import { describe, expect, test } from "vitest";
import { findMount, parseMountinfo } from "./mountinfo.ts";

const TEXT = String.raw`22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
36 22 0:30 /a\040b /mnt/tab\011new\012line\134slash\043 ro,nosuid shared:7 master:3 - tmpfs name\040with\040spaces rw,size=64k
37 22 0:31 / /mnt/- rw - overlay - rw,lowerdir=/x\054y
38 37 0:32 / /mnt/- ro - tmpfs none ro
`;

describe("mountinfo", () => {
	const mounts = parseMountinfo(TEXT);

	test("fields are where the kernel puts them, however many optional ones there are", () => {
		expect(mounts[0]).toEqual({
			id: 22,
			parentId: 1,
			device: "254:0",
			root: "/",
			target: "/",
			options: ["rw", "relatime"],
			propagation: ["shared:1"],
			type: "ext4",
			source: "/dev/vda",
			superOptions: ["rw", "discard"],
		});
		expect(mounts[1]?.propagation).toEqual(["shared:7", "master:3"]);
		expect(mounts[2]?.propagation).toEqual([]);
	});

	test("octal escapes are undone, and a hyphen may be a name", () => {
		expect(mounts[1]).toMatchObject({
			root: "/a b",
			target: "/mnt/tab\tnew\nline\\slash#",
			source: "name with spaces",
		});
		expect(mounts[2]).toMatchObject({ target: "/mnt/-", type: "overlay", source: "-" });
	});

	test("the last mount at a place is the one that is seen", () => {
		expect(findMount("/mnt/-", mounts)?.id).toBe(38);
		expect(findMount("/nowhere", mounts)).toBeUndefined();
	});

	test("what is no such line is an error", () => {
		expect(() => parseMountinfo("22 1 254:0 / / rw shared:1 ext4 /dev/vda rw\n")).toThrow("not a line of mountinfo");
	});
});
