/** A tree with everything that archivers lose, made and looked at by the system's own programs. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";

/** Devices are left out: a restore refuses them. */
const SCRIPT = `
set -eu
cd "$1"
mkdir -p plain/deep/er empty sticky setgid other
chmod 1777 sticky; chmod 2775 setgid; chown 1000:1001 setgid
echo hello > plain/file; chown 1000:1000 plain/file; chmod 0640 plain/file
echo far > plain/far-owner; chown 3000000:4000000 plain/far-owner
cp /usr/bin/true plain/setuid; chmod 6755 plain/setuid
touch -d '2001-02-03 04:05:06.123456789' plain/nanoseconds
touch -d '1960-01-01 00:00:00.5' plain/before-1970
touch -d '2100-01-01 00:00:00.25' plain/far-time
ln plain/file other/hard; ln plain/file plain/deep/hard
ln -s /etc/passwd out; ln -s plain/file inside; ln -s nowhere dangling
touch -h -d '2005-05-05 05:05:05.555555555' out; chown -h 12:34 dangling
mkfifo -m 0622 fifo
mknod whiteout c 0 0
truncate -s 3G sparse; printf data | dd of=sparse bs=1 seek=1000000000 conv=notrunc status=none
truncate -s 1M holes-only
head -c 300000 /dev/urandom > plain/binary
: > plain/zero
setfattr -n user.comment -v 'some text' plain/file
setfattr -n user.binary -v 0x00ff0a3d00 plain/file
setfattr -n user.dir -v x empty
setfattr -n trusted.secret -v y plain/zero
setfattr -n user.dangling -v z plain/deep
setfacl -m u:1234:rw,g:77:r plain/file
setfacl -d -m u:1234:rwx empty
cp /usr/bin/true plain/capable; setcap cap_net_raw,cap_chown+ep plain/capable
name=$(printf '%0255d' 7); echo long > "$name"; mkdir "d$(printf '%0254d' 8)"
deep=plain; for i in 1 2 3 4 5 6 7 8; do deep=$deep/$(printf '%0200d' $i); mkdir "$deep"; done; echo deep > "$deep/file"
echo q > 'quotes" and \\ and spaces'; printf n > 'new
line'; printf t > -rf; printf star > '*'
touch -d '2011-11-11 11:11:11.111111111' plain other
chown 5:6 .; chmod 0751 .; setfattr -n user.root -v r .
touch -d '2012-12-12 12:12:12.121212121' .
`;

export function makeNastyTree(root: string): void {
	execFileSync("sh", ["-c", SCRIPT, "sh", root], { stdio: ["ignore", "pipe", "pipe"] });
	// Names that are no text at all.
	const bytes = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xff, 0xfe, 0x80])]);
	writeFileSync(bytes, "not UTF-8");
	mkdirSync(Buffer.concat([bytes, Buffer.from("-d")]));
	execFileSync("touch", ["-d", "2012-12-12 12:12:12.121212121", root]);
}

/** Everything about a tree that can be seen, by find, sha256sum, getfattr and getfacl: equal trees give equal texts. */
export function portrait(root: string): string {
	const script = `
	cd "$1"
	find . -printf '%p %y %m %U %G %T@ %l %n\\0' | sort -z | tr '\\0' '\\n'
	find . -type f -printf '%p %s\\0' | sort -z | tr '\\0' '\\n'
	find . -type f -size -100M -print0 | sort -z | xargs -0 sha256sum -z | tr '\\0' '\\n'
	find . -samefile plain/file 2>/dev/null | sort
	find . -print0 | sort -z | xargs -0 getfattr -h -d -m - -e hex --
	find . ! -type l -print0 | sort -z | xargs -0 getfacl -n -p --
	`;
	return execFileSync("sh", ["-c", script, "sh", root], {
		encoding: "latin1",
		maxBuffer: 1 << 28,
		env: { ...process.env, LC_ALL: "C" },
	});
}

/** As anybody can find it without us. */
export function digestOfManifest(path: string): string {
	const script = 'set -o pipefail; tar -xOf "$1" .wharf/manifest.jsonl | sha256sum';
	return execFileSync("bash", ["-c", script, "bash", path], { encoding: "utf8" }).slice(0, 64);
}
