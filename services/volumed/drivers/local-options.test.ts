import { assert, constantFrom, property, string, stringMatching } from "fast-check";
import { describe, expect, test } from "vitest";
import { Fault } from "#lib/fault/fault.ts";
import { parseLocalOptions, parseSize } from "./local-options.ts";
import { withoutSecrets } from "./local-secrets.ts";

const parse = (options: Readonly<Record<string, string>>) => parseLocalOptions(new Map(Object.entries(options)));

/** The fault's reason and sentence. */
function refusal(options: Readonly<Record<string, string>>): string {
	try {
		parse(options);
		return "none";
	} catch (error) {
		if (error instanceof Fault) return `${error.reason}: ${error.message}`;
		throw error;
	}
}

describe("what is accepted", () => {
	test.each([
		[{}, { kind: "plain" }],
		[{ type: "", device: "", o: "" }, { kind: "plain" }],
		[{ size: "64m" }, { kind: "sized", sizeBytes: 67_108_864, text: "64m" }],
		[
			{ type: "tmpfs", device: "tmpfs", o: "size=100m,uid=1000" },
			{ kind: "mount", type: "tmpfs", device: "tmpfs", words: ["size=100m", "uid=1000"], isBind: false },
		],
		[{ type: "tmpfs" }, { kind: "mount", type: "tmpfs", device: "tmpfs", words: [], isBind: false }],
		[
			{ type: "none", device: "/srv/data", o: "bind" },
			{ kind: "mount", type: "none", device: "/srv/data", words: ["bind"], isBind: true },
		],
		[
			{ type: "btrfs", device: "/dev/sda2" },
			{ kind: "mount", type: "btrfs", device: "/dev/sda2", words: [], isBind: false },
		],
		[
			{ type: "nfs", device: ":/path/to/dir", o: "addr=192.168.1.1,rw" },
			{ kind: "mount", type: "nfs", device: ":/path/to/dir", words: ["addr=192.168.1.1", "rw"], isBind: false },
		],
		[
			{ type: "cifs", device: "//server/share", o: "username=u,port=445" },
			{ kind: "mount", type: "cifs", device: "//server/share", words: ["username=u", "port=445"], isBind: false },
		],
	])("%j", (options: Record<string, string>, expected) => expect(parse(options)).toEqual(expected));
});

describe("what is refused", () => {
	test.each([
		[{ tpye: "tmpfs" }, 'UNKNOWN_OPTION: The driver local has no option "tpye"; did you mean type? It has'],
		[{ Size: "64m" }, 'UNKNOWN_OPTION: The driver local has no option "Size"; did you mean size? It has'],
		[{ quotas: "1" }, 'UNKNOWN_OPTION: The driver local has no option "quotas"'],
		[{ device: "/dev/sda1" }, "INVALID_OPTION: type is missing"],
		[{ type: "ext4" }, "INVALID_OPTION: device is missing"],
		[{ o: "bind" }, "INVALID_OPTION: type is missing"],
		[{ type: "nfs", o: "addr=1.2.3.4" }, "INVALID_OPTION: device is missing"],
		[{ device: "tmpfs", o: "size=1m" }, "INVALID_OPTION: type is missing"],
		[{ size: "64m", type: "tmpfs", device: "tmpfs" }, "INVALID_OPTION: size is 64m; allowed is a size without type"],
		[{ size: "64m", o: "bind" }, "INVALID_OPTION: size is 64m; allowed is a size without type"],
		[{ size: "" }, "INVALID_OPTION: size is ;"],
		[{ size: "0" }, "INVALID_OPTION: size is 0;"],
		[
			{ type: "none", device: "srv/data", o: "bind" },
			"INVALID_OPTION: device is srv/data; allowed is an absolute path",
		],
		[{ type: "ext4", device: "sda1" }, "INVALID_OPTION: device is sda1; allowed is an absolute path"],
		[{ type: "none", device: "/srv" }, "INVALID_OPTION: type is none; allowed is none with o=bind"],
		[{ type: "ext4", device: "/dev/sda1", o: "remount,ro" }, "INVALID_OPTION: o is remount;"],
		[{ type: "cifs", device: "//server:445/share" }, "INVALID_OPTION: device is //server:445/share; allowed is //HOST"],
		[{ type: "cifs", device: "smb://me:pw@server:445/x" }, "INVALID_OPTION: device is smb://***@server:445/x;"],
		[{ type: "a b", device: "/x" }, 'INVALID_OPTION: type is "a b";'],
		[{ type: "nfs", device: "a:/x\nb:/ /etc nfs" }, "INVALID_OPTION: device is "],
		[{ type: "nfs", device: "a:/x", o: "ro\npassword=hunter2" }, "INVALID_OPTION: o is text with control characters;"],
	])("%j", (options: Record<string, string>, sentence) => {
		expect(refusal(options)).toContain(sentence);
		expect(refusal(options)).not.toContain("hunter2");
	});
});

test.each([
	["1", 1],
	["16777216", 16_777_216],
	["16k", 16_384],
	["16K", 16_384],
	["1.5g", 1_610_612_736],
	["20 MB", 20_971_520],
	["1GiB", 1_073_741_824],
])("the size %s", (text, bytes) => expect(parseSize(text)).toBe(bytes));

test.each(["", "m", "-1", "1,5g", "1e3", "16 mib m", "0.0001", "9999999p", "ten"])("no size: %j", (text) => {
	expect(() => parseSize(text)).toThrow(expect.objectContaining({ reason: "INVALID_OPTION" }));
});

test("a secret is in no text, however often it is there", () => {
	const keys = constantFrom("password", "pass", "PASSWORD", "credentials", "secret", "password2");
	const value = stringMatching(/^[a-z0-9]{6,12}$/);
	assert(
		property(keys, value, string(), (key, secret, text) => {
			const options = { words: ["ro", `${key}=${secret}`, "vers=3.0"], device: "//server/share" };
			expect(withoutSecrets(`${text}${key}=${secret},${secret}`, options)).not.toContain(secret);
		}),
	);
	const device = "//me:hunter2@server/share";
	expect(withoutSecrets(`mounting ${device}`, { words: [], device })).toBe("mounting //me:***@server/share");
	expect(withoutSecrets("as it was", { words: ["ro"], device: "/dev/sda" })).toBe("as it was");
});
