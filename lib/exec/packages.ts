/** The Debian package that brings a program, for the sentence that says what is missing. */
const PACKAGES: Readonly<Record<string, string>> = {
	btrfs: "btrfs-progs",
	conmon: "conmon",
	conntrack: "conntrack",
	crun: "crun",
	"docker-compose": "docker-compose",
	debugfs: "e2fsprogs",
	dockerd: "docker.io",
	"firewall-cmd": "firewalld",
	fusermount: "fuse3",
	fusermount3: "fuse3",
	ip: "iproute2",
	iptables: "iptables",
	losetup: "mount",
	"mkfs.ext4": "e2fsprogs",
	"mkfs.xfs": "xfsprogs",
	mount: "mount",
	"mount.nfs": "nfs-common",
	"nats-server": "nats-server",
	nft: "nftables",
	nsenter: "util-linux",
	runc: "runc",
	ss: "iproute2",
	sshfs: "sshfs",
	ufw: "ufw",
	umount: "mount",
	unshare: "util-linux",
	xfs_quota: "xfsprogs",
	zstd: "zstd",
};

/** `program` may be a path. A program that is not in the table is most often a package of its own name. */
export function packageOf(program: string): string {
	const name = program.slice(program.lastIndexOf("/") + 1);
	return Object.hasOwn(PACKAGES, name) ? (PACKAGES[name] ?? name) : name;
}
