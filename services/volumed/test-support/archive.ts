/** Archives by hand, so that a test can say things that no archiver would. */
import { archiveBeginning } from "../archive/promise.ts";

const BLOCK = 512;

export interface Member {
	readonly name: string;
	readonly type?: string;
	readonly content?: string | Buffer;
	readonly link?: string;
	readonly mode?: number;
	/** What the header says of the size; the content's own unless given. */
	readonly size?: number;
	readonly device?: readonly [number, number];
	/** Records of an extended header before it. */
	readonly pax?: Readonly<Record<string, string>>;
	readonly uname?: string;
	readonly badChecksum?: boolean;
}

export function tarOf(members: readonly Member[], end = Buffer.alloc(2 * BLOCK)): Buffer {
	return Buffer.concat([...members.flatMap(member), end]);
}

export function member(spec: Member): Buffer[] {
	const content = Buffer.from(spec.content ?? "");
	const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
	const records = spec.pax && Buffer.concat(Object.entries(spec.pax).map(([key, value]) => paxRecord(key, value)));
	const before = records ? member({ name: "PaxHeaders/x", type: "x", content: records }) : [];
	return [...before, header(spec, content.length), content, padding];
}

export function paxRecord(key: string, value: string): Buffer {
	const rest = Buffer.from(` ${key}=${value}\n`);
	let length = rest.length + 1;
	while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
	return Buffer.concat([Buffer.from(String(length)), rest]);
}

function header(spec: Member, length: number): Buffer {
	const { name, type = "0", link = "", mode = 0o644, size = length, device = [0, 0], uname = "" } = spec;
	const block = Buffer.alloc(BLOCK);
	const octal = (value: number, start: number, digits: number): number =>
		block.write(`${value.toString(8).padStart(digits, "0")}\0`, start, "latin1");
	block.write(name, 0, 100, "utf8");
	octal(mode, 100, 7);
	octal(0, 108, 7);
	octal(0, 116, 7);
	octal(size, 124, 11);
	octal(1_700_000_000, 136, 11);
	block.write("        ", 148, "latin1");
	block.write(type, 156, "latin1");
	block.write(link, 157, 100, "utf8");
	block.write("ustar\x0000", 257, "latin1");
	block.write(uname, 265, "latin1");
	octal(device[0], 329, 7);
	octal(device[1], 337, 7);
	const sum = block.reduce((total, byte) => total + byte, spec.badChecksum === true ? 1 : 0);
	block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
	return block;
}

export interface Hostile {
	readonly what: string;
	readonly archive: Buffer;
	readonly reason: "ARCHIVE_CORRUPT" | "ENTRY_REFUSED" | "MANIFEST_MISMATCH";
}

const link = (name: string, target: string): Member => ({ name, type: "2", link: target });
const refused = (what: string, ...members: Member[]): Hostile => ({
	what,
	archive: tarOf(members),
	reason: "ENTRY_REFUSED",
});
const corrupt = (what: string, archive: Buffer): Hostile => ({ what, archive, reason: "ARCHIVE_CORRUPT" });
const file: Member = { name: "a", content: "a" };

/** Each wants to get out of its directory, to make what it must not, or to be taken for whole. */
export const HOSTILE: readonly Hostile[] = [
	refused("an absolute name", { name: "/tmp/wharf-escape", content: "x" }),
	refused("a name with ..", { name: "../wharf-escape", content: "x" }),
	refused("a name with .. inside", { name: "a/../../wharf-escape", content: "x" }),
	refused("a name of .. alone", { name: "..", type: "5" }),
	refused("an absolute name in an extended header", { name: "a", pax: { path: "/tmp/wharf-escape" }, content: "x" }),
	refused("a climbing name in an extended header", { name: "a", pax: { path: "../wharf-escape" }, content: "x" }),
	refused("a climbing name of GNU's", { name: "././@LongLink", type: "L", content: "../wharf-escape\0" }, file),
	refused("a climbing name of a sparse file", {
		name: "a",
		pax: {
			"GNU.sparse.major": "1",
			"GNU.sparse.minor": "0",
			"GNU.sparse.name": "../escape",
			"GNU.sparse.realsize": "9",
		},
		content: "x",
	}),
	refused("a file behind a symlink", link("d", "/tmp"), { name: "d/wharf-escape", content: "x" }),
	refused("a file behind a relative symlink", link("d", ".."), { name: "./d//wharf-escape", content: "x" }),
	refused("a file behind two symlinks", link("d", "/"), link("e", "d/tmp"), { name: "e/wharf-escape", content: "x" }),
	refused("a file behind a symlink that takes a directory's place", { name: "d/", type: "5" }, link("d", "/tmp"), {
		name: "d/wharf-escape",
		content: "x",
	}),
	refused("a file behind a symlink that comes again", link("d", "a"), file, link("d", "/tmp"), {
		name: "d/wharf-escape",
		content: "x",
	}),
	refused("a symlink behind a symlink", link("d", "/tmp"), link("d/wharf-escape", "x")),
	refused(
		"a second name of a symlink with a file behind it",
		link("d", "/tmp"),
		{ name: "h", type: "1", link: "d" },
		{
			name: "h/wharf-escape",
			content: "x",
		},
	),
	refused("a hard link to an absolute target", { name: "a", type: "1", link: "/etc/passwd" }),
	refused("a hard link that climbs", { name: "a", type: "1", link: "../../etc/passwd" }),
	refused("a hard link in an extended header that climbs", {
		name: "a",
		type: "1",
		link: "b",
		pax: { linkpath: "../b" },
	}),
	refused("a hard link through a symlink", link("d", "/etc"), { name: "a", type: "1", link: "d/passwd" }),
	refused("a hard link to the root", { name: "a", type: "1", link: "." }),
	refused("an unknown kind", { name: "a", type: "Z" }),
	refused("a part of several volumes", { name: "a", type: "M" }),
	refused("a directory with content", { name: "a/", type: "5", content: "x" }),
	refused("a symlink with content", { name: "a", type: "2", link: "b", content: "x" }),
	refused("a root that is a file", { name: ".", content: "x" }),
	refused("a root that is a symlink", link("./", "/tmp")),
	refused("a symlink to nothing", link("a", "")),
	refused("an empty name", { name: "", content: "x" }),
	refused("a part of 256 bytes", { name: "a", pax: { path: "x".repeat(256) }, content: "x" }),
	refused("5,000 directories", { name: "a", pax: { path: "d/".repeat(5000) }, type: "5" }),
	refused("1,000 directories", { name: "a", pax: { path: "d/".repeat(1000) }, type: "5" }),
	refused(
		"names of two formats",
		{ name: "././@LongLink", type: "L", content: "b\0" },
		{ ...file, pax: { path: "c" } },
	),
	corrupt("a wrong checksum", tarOf([{ ...file, badChecksum: true }])),
	corrupt("no end", tarOf([file], Buffer.alloc(0))),
	corrupt("half an end", tarOf([file], Buffer.alloc(BLOCK))),
	corrupt("an end in the middle of a file", tarOf([{ name: "a", content: "x".repeat(5000) }]).subarray(0, 2048)),
	corrupt("an end in the middle of a header", tarOf([file]).subarray(0, 300)),
	corrupt("nothing", Buffer.alloc(0)),
	corrupt("zeros alone", Buffer.alloc(20 * BLOCK)),
	corrupt("a header for all entries, and none", tarOf([{ name: "g", type: "g", content: paxRecord("comment", "x") }])),
	corrupt("the promise of a manifest that is missing", Buffer.concat([archiveBeginning(), tarOf([file])])),
	corrupt("a second archive behind the end", Buffer.concat([tarOf([file]), tarOf([file])])),
	corrupt("an extended header for nothing", tarOf([{ name: "x", type: "x", content: paxRecord("path", "b") }])),
	corrupt(
		"two extended headers",
		tarOf([
			{ name: "x", type: "x", content: paxRecord("path", "b") },
			{ ...file, pax: { path: "c" } },
		]),
	),
	corrupt(
		"a name that is said twice",
		tarOf([
			{ name: "x", type: "x", content: Buffer.concat([paxRecord("path", "b"), paxRecord("path", "../c")]) },
			file,
		]),
	),
	corrupt("a size that another program reads otherwise", tarOf([{ name: "a", pax: { size: "1e3" }, content: "x" }])),
	corrupt("a name for all entries", tarOf([{ name: "g", type: "g", content: paxRecord("path", "../x") }, file])),
	corrupt(
		"an extended header that is longer than itself",
		tarOf([{ name: "x", type: "x", content: "99 path=b\n" }, file]),
	),
	corrupt("an endless extended header", tarOf([{ name: "x", type: "x", size: 1 << 30 }, file])),
	corrupt("an extended header before the label of all", tarOf([{ name: "l", type: "V", pax: { path: "b" } }, file])),
	{
		what: "a manifest of something else",
		archive: tarOf([file, { name: ".wharf/manifest.jsonl", uname: "wharf-manifest", content: "{}\n{}\n" }]),
		reason: "MANIFEST_MISMATCH",
	},
	{
		what: "an entry behind the manifest",
		archive: tarOf([
			{
				name: ".wharf/manifest.jsonl",
				uname: "wharf-manifest",
				content:
					'{"format":"wharf-manifest/1","volume":"v"}\n{"end":true,"entries":0,"bytes":0,"sha256":"","sockets":[]}\n',
			},
			file,
		]),
		reason: "MANIFEST_MISMATCH",
	},
];
