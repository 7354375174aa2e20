import { describe, expect, test } from "vitest";
import { parseTmpfsText } from "./tmpfs-text.ts";

const memory = (
	mode: string,
	more: { sizeBytes?: bigint; mode?: number; options?: string[] } = {},
	readOnly = false,
) => ({
	destination: "/run",
	readOnly,
	source: { kind: "tmpfs", sizeBytes: 0n, mode: 0o1777, options: [], ...more },
	relabel: undefined,
	owners: undefined,
	mode,
});

describe("--tmpfs that is taken", () => {
	test.each([
		["/run", memory("")],
		["/run/", memory("")],
		["/run:", memory("")],
		["/run:rw", memory("rw")],
		["/run:ro", memory("ro", {}, true)],
		["/run:ro,rw", memory("ro,rw")],
		["/run:defaults", memory("defaults")],
		[
			"/run:rw,noexec,nosuid,size=65536k",
			memory("rw,noexec,nosuid,size=65536k", { sizeBytes: 67_108_864n, options: ["noexec", "nosuid"] }),
		],
		["/run:size=64m,mode=1770", memory("size=64m,mode=1770", { sizeBytes: 67_108_864n, mode: 0o1770 })],
		["/run:size=1G", memory("size=1G", { sizeBytes: 1_073_741_824n })],
		["/run:size=4096", memory("size=4096", { sizeBytes: 4_096n })],
		["/run:mode=0700", memory("mode=0700", { mode: 0o700 })],
		["/run:size=50%", memory("size=50%", { options: ["size=50%"] })],
		["/run:size=0", memory("size=0", { options: ["size=0"] })],
		["/run:size=50%,size=1k", memory("size=50%,size=1k", { sizeBytes: 1_024n })],
		["/run:size=1k,size=50%", memory("size=1k,size=50%", { options: ["size=50%"] })],
		["/run:exec,noexec,exec", memory("exec,noexec,exec", { options: ["exec"] })],
		["/run:exec,dev,noexec", memory("exec,dev,noexec", { options: ["dev", "noexec"] })],
		["/run:exec,dev,suid", memory("exec,dev,suid", { options: ["exec", "dev", "suid"] })],
		[
			"/run:uid=1000,gid=1000,nr_inodes=10k",
			memory("uid=1000,gid=1000,nr_inodes=10k", { options: ["uid=1000", "gid=1000", "nr_inodes=10k"] }),
		],
		[
			"/run:huge=within_size,inode64,noswap",
			memory("huge=within_size,inode64,noswap", { options: ["huge=within_size", "inode64", "noswap"] }),
		],
		["/run:mpol=interleave:0-3", memory("mpol=interleave:0-3", { options: ["mpol=interleave:0-3"] })],
		[
			"/run:noatime,nodiratime,lazytime",
			memory("noatime,nodiratime,lazytime", { options: ["noatime", "nodiratime", "lazytime"] }),
		],
		[
			"/run:usrquota,usrquota_block_hardlimit=1m",
			memory("usrquota,usrquota_block_hardlimit=1m", { options: ["usrquota", "usrquota_block_hardlimit=1m"] }),
		],
	])("%j", (text, expected) => expect(parseTmpfsText(text)).toEqual(expected));
});

describe("--tmpfs that is refused", () => {
	test.each([
		["", "INVALID_DESTINATION"],
		["run", "INVALID_DESTINATION"],
		["/", "INVALID_DESTINATION"],
		["/a/../..", "INVALID_DESTINATION"],
		[":size=1m", "INVALID_DESTINATION"],
		["/run:bogus", "UNKNOWN_MOUNT_OPTION"],
		["/run:INVALID", "UNKNOWN_MOUNT_OPTION"],
		["/run:constructor=1", "UNKNOWN_MOUNT_OPTION"],
		["/run:noexec=1", "UNKNOWN_MOUNT_OPTION"],
		["/run:data=ordered", "UNKNOWN_MOUNT_OPTION"],
		["/run:/x", "UNKNOWN_MOUNT_OPTION"],
		["/run:ro,,exec", "INVALID_MOUNT"],
		["/run:ro,", "INVALID_MOUNT"],
		["/run:size", "INVALID_MOUNT"],
		["/run:shared", "INVALID_MOUNT"],
		["/run:rslave", "INVALID_MOUNT"],
		["/run:unbindable", "INVALID_MOUNT"],
		["/run:rbind", "INVALID_MOUNT"],
		["/run:remount", "INVALID_MOUNT"],
		["/run:size=", "INVALID_OPTION"],
		["/run:size=big", "INVALID_OPTION"],
		["/run:size=-1", "INVALID_OPTION"],
		["/run:size=1.5g", "INVALID_OPTION"],
		["/run:size=0x10", "INVALID_OPTION"],
		["/run:size=99999999999e", "INVALID_OPTION"],
		["/run:mode=999", "INVALID_OPTION"],
		["/run:mode=17777", "INVALID_OPTION"],
		["/run:mode=0", "INVALID_OPTION"],
		["/run:uid=me", "INVALID_OPTION"],
		["/run:gid=4294967295", "INVALID_OPTION"],
		["/run:nr_inodes=many", "INVALID_OPTION"],
		["/run:huge=yes", "INVALID_OPTION"],
		["/run:mpol=here", "INVALID_OPTION"],
	])("%j is %s", (text, reason) => {
		expect(() => parseTmpfsText(text)).toThrow(expect.objectContaining({ reason }));
	});

	test("the nearest word is named", () => {
		expect(() => parseTmpfsText("/run:noexce")).toThrow('there is no option "noexce"; did you mean noexec?');
		expect(() => parseTmpfsText("/run:siz=1m")).toThrow("did you mean size?");
	});
});
