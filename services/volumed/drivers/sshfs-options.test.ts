import { describe, expect, test } from "vitest";
import { parseSshfsOptions } from "./sshfs-options.ts";

const parse = (options: Readonly<Record<string, string>>) => parseSshfsOptions(new Map(Object.entries(options)));

/** Not one that ever was anybody's. */
const KEY = `ssh-ed25519 ${"A".repeat(68)}`;

test("device, or sshcmd as the well-known plugin has it", () => {
	expect(parse({ device: "me@host.example:/srv/data" })).toMatchObject({
		source: "me@host.example:/srv/data",
		login: "me",
		host: "host.example",
		path: "/srv/data",
		port: 22,
	});
	expect(parse({ sshcmd: "me@[2001:db8::1]:/", port: "2222" })).toMatchObject({ host: "[2001:db8::1]", port: 2222 });
	expect(parse({ device: "me@h:/a b, c'\"$(x)" })).toMatchObject({ path: "/a b, c'\"$(x)" });
});

test.each([
	"",
	"host:/path",
	"me@host",
	"me@host:path",
	"-oProxyCommand=x@host:/path",
	"me@-oProxyCommand=x:/path",
	"me@ho st:/path",
	"me@host:/path\nx",
	"me@host:/path\0x",
	"me@[host]:/path",
	"me@[::1:/path",
	"@host:/path",
])("device %j is refused", (device) => {
	expect(() => parse({ device })).toThrow(/device is .*; allowed is user@host:\/path\./);
});

test("without a device, or with two", () => {
	expect(() => parse({})).toThrow("device is missing; allowed is user@host:/path.");
	expect(() => parse({ device: "a@b:/c", sshcmd: "a@b:/c" })).toThrow("sshcmd is there beside device");
});

describe("other options", () => {
	test.each<[string, string, RegExp]>([
		["port", "0", /^port is "0"; allowed is a number from 1 to 65535/],
		["port", "65536", /^port/],
		["port", "22 -oProxyCommand=x", /^port/],
		["identity_file", "key", /^identity_file is "key"; allowed is an absolute path/],
		["identity_file", "/a\nb", /^identity_file/],
		["known_hosts", "/a/${HOME}", /^known_hosts/],
		["host_key", KEY, /^host_key/],
		["host_key", `h ${KEY}\nother ${KEY}`, /^host_key/],
		["host_key", `@cert-authority h ${KEY}`, /^host_key/],
		["host_key", `# h ${KEY}`, /^host_key/],
		["password", "", /^password is empty, too long/],
		["password", "a\nb", /^password is empty, too long/],
		["o", "uid=me", /^o is "uid=me"; allowed is a value like/],
		["o", "ro=1", /allowed is ro alone/],
		["o", "umask=8", /^o is "umask=8"/],
		["o", "max_conns=99", /^o is/],
	])("%s=%j is refused", (option, value, message) => {
		expect(() => parse({ device: "a@b:/c", [option]: value })).toThrow(message);
	});

	test("an unknown one names the nearest", () => {
		expect(() => parse({ device: "a@b:/c", identityfile: "/x" })).toThrow("did you mean identity_file?");
		expect(() => parse({ device: "a@b:/c", o: "ro,compression=yes" })).toThrow("did you mean Compression?");
		expect(() => parse({ device: "a@b:/c", o: "StrictHostKeyChecking=no" })).toThrow("has no option");
		expect(() => parse({ device: "a@b:/c", o: "UserKnownHostsFile=/dev/null" })).toThrow("has no option");
		expect(() => parse({ device: "a@b:/c", o: "password_stdin" })).toThrow("has no option");
		expect(() => parse({ device: "a@b:/c", o: "__proto__=x" })).toThrow("has no option");
	});

	test.each([
		"ssh_command=/tmp/x",
		"ProxyCommand=x",
		"proxycommand=x",
		"sftp_server=x",
		"directport=7",
		"LocalCommand=x",
		"PermitLocalCommand=yes",
		"ProxyJump=h",
		"passive",
		"PKCS11Provider=/tmp/x.so",
		"ControlPath=/tmp/x",
	])("nothing runs a program: o=%s", (o) => {
		expect(() => parse({ device: "a@b:/c", o: `ro,${o}` })).toThrow(/allowed is what runs no program on this host/);
	});

	test("a password is never repeated", () => {
		const secret = "s3cret\u0007";
		const refused = (() => {
			try {
				return parse({ device: "a@b:/c", password: secret });
			} catch (error) {
				return error;
			}
		})();
		expect(JSON.stringify(refused)).not.toContain("s3cret");
		expect(refused).toMatchObject({ reason: "INVALID_OPTION" });
	});

	test("those that are allowed are kept, in their order", () => {
		const { more, hostKey } = parse({
			device: "a@b:/c",
			o: "ro,uid=1000,,umask=022,Compression=yes,ServerAliveInterval=5,allow_other",
			host_key: `[b]:2222 ${KEY}\n`,
		});
		expect([...more.keys()]).toEqual(["ro", "uid", "umask", "Compression", "ServerAliveInterval", "allow_other"]);
		expect(hostKey).toBe(`[b]:2222 ${KEY}`);
	});
});
