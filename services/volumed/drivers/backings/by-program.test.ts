import { expect, test } from "vitest";
import { withAddress } from "./by-program.ts";

const { signal } = new AbortController();

test.each([
	["nfs", ":/export", ["rw", "addr=127.0.0.1"], ["rw", "addr=127.0.0.1"]],
	["nfs", ":/export", ["addr=localhost", "rw"], ["addr=<local>", "rw"]],
	["nfs4", "localhost:/export", [], ["addr=<local>"]],
	["nfs", "192.0.2.7:/export", ["ro"], ["ro", "addr=192.0.2.7"]],
	["nfs", "[2001:db8::1]:/export", [], ["addr=2001:db8::1"]],
	["nfs", "/export", [], []],
	["cifs", "//localhost/share", ["username=me"], ["username=me", "addr=<local>"]],
	["smb3", "//localhost/share", ["ip=localhost"], ["ip=<local>"]],
	["9p", "localhost", ["trans=tcp"], ["trans=tcp"]],
])("%s %s %j", async (type, device, words, expected) => {
	const found = await withAddress({ type, device, words }, signal);
	expect(found.map((word) => word.replace(/=(127\.0\.0\.1|::1)$/, "=<local>"))).toEqual(
		expected.map((word) => word.replace("=127.0.0.1", "=<local>")),
	);
});

test("a name that nobody has is said", async () => {
	const options = { type: "nfs", device: "nowhere..invalid:/x", words: [] };
	await expect(withAddress(options, signal)).rejects.toThrow("the name nowhere..invalid has no address");
});
