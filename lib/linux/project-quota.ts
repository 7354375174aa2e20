/**
 * Project quotas of XFS and ext4: a directory whose content, whoever writes it, has a bound. quotactl(2), <linux/fs.h>.
 *
 * A file has the project of the directory that it is made in (FS_XFLAG_PROJINHERIT), and cannot be renamed or linked into another project.
 */
import { ioctl, requestNumber, withDirectory } from "./ioctl.ts";
import { atCall, checked, isErrno } from "./libc.ts";

const SYS_QUOTACTL_FD = 443;
/** `QCMD(Q_X…, PRJQUOTA)`. */
const command = (number: number): number => ((0x58 << 8) + number) * 2 ** 8 + 2;
const Q_XGETQUOTA = command(3);
const Q_XSETQLIM = command(4);
const Q_XGETQSTATV = command(8);

/** `struct fsxattr`: xflags, extsize, nextents, projid, … */
const FSXATTR_BYTES = 28;
const PROJECT_AT = 12;
const FSGETXATTR = requestNumber("read", 0x58, 31, FSXATTR_BYTES);
const FSSETXATTR = requestNumber("write", 0x58, 32, FSXATTR_BYTES);
const XFLAG_PROJINHERIT = 0x200;

/** `struct fs_quota_statv`: version, flags, … */
const STATV_BYTES = 192;
const PROJECTS_ENFORCED = 1 << 5;
/** `struct fs_disk_quota`: version, kind, what is set, id, hard and soft limit of blocks, …, blocks used. */
const QUOTA_BYTES = 112;
const KIND_PROJECT = 2;
const SET_BLOCK_LIMITS = (1 << 2) | (1 << 3);
const [SET_AT, ID_AT, HARD_AT, SOFT_AT, USED_AT] = [2, 4, 8, 16, 40];
const BLOCK_BYTES = 512;

export interface ProjectQuota {
	readonly usedBytes: number;
	/** Undefined: no bound. */
	readonly limitBytes: number | undefined;
}

/** quotactl_fd(2), Linux 5.14: no device has to be found, which behind volume managers and in containers is a guess. */
const quotactlFd = checked<[number: number, fd: number, command: number, id: number, structure: Uint8Array]>(
	"long syscall(long number, unsigned int fd, unsigned int command, unsigned int id, void *structure)",
);

/** The file system of the directory enforces limits of projects: it is mounted so, and the kernel knows how. */
export function enforcesProjects(path: string): boolean {
	const status = Buffer.alloc(STATV_BYTES);
	status.writeInt8(1, 0);
	return withDirectory(path, (fd) => {
		try {
			quotactlFd(SYS_QUOTACTL_FD, fd, Q_XGETQSTATV, 0, status);
			return (status.readUInt16LE(2) & PROJECTS_ENFORCED) !== 0;
		} catch (error) {
			if (isErrno(error, "ENOSYS", "ENOTTY", "EOPNOTSUPP", "EINVAL", "ESRCH", "ENODEV", "ENOTBLK")) return false;
			throw error;
		}
	});
}

/** The directory's project; 0 is none, and what file systems without projects answer. */
export function projectOf(path: string): number {
	return withDirectory(path, (fd) => {
		try {
			return attributesOf(fd).readUInt32LE(PROJECT_AT);
		} catch (error) {
			if (isErrno(error, "ENOTTY", "EOPNOTSUPP")) return 0;
			throw error;
		}
	});
}

/** What is made in the empty directory from now on is the project's. EOPNOTSUPP where the file system has no projects. */
export function setProject(path: string, project: number): void {
	withDirectory(path, (fd) => {
		const attributes = attributesOf(fd);
		attributes.writeUInt32LE((attributes.readUInt32LE(0) | XFLAG_PROJINHERIT) >>> 0, 0);
		attributes.writeUInt32LE(project, PROJECT_AT);
		atCall(`set the project ${project} of ${path}`, () => ioctl(fd, FSSETXATTR, attributes));
	});
}

/** Bounds what the project may hold on the file system of the directory; 0 is no bound. Writing more is ENOSPC or EDQUOT. */
export function limitProject(path: string, project: number, limitBytes: number): void {
	const quota = Buffer.alloc(QUOTA_BYTES);
	quota.writeInt8(1, 0);
	quota.writeInt8(KIND_PROJECT, 1);
	quota.writeUInt16LE(SET_BLOCK_LIMITS, SET_AT);
	quota.writeUInt32LE(project, ID_AT);
	const blocks = BigInt(Math.floor(limitBytes / BLOCK_BYTES));
	quota.writeBigUInt64LE(blocks, HARD_AT);
	quota.writeBigUInt64LE(blocks, SOFT_AT);
	withDirectory(path, (fd) =>
		atCall(`limit the project ${project} of ${path}`, () =>
			quotactlFd(SYS_QUOTACTL_FD, fd, Q_XSETQLIM, project, quota),
		),
	);
}

/** What the kernel keeps of the project; undefined when it keeps nothing, of a project that nobody has used or without quotas. */
export function projectQuota(path: string, project: number): ProjectQuota | undefined {
	const quota = Buffer.alloc(QUOTA_BYTES);
	return withDirectory(path, (fd) => {
		try {
			quotactlFd(SYS_QUOTACTL_FD, fd, Q_XGETQUOTA, project, quota);
		} catch (error) {
			if (isErrno(error, "ENOENT", "ENOSYS", "ENOTTY", "EOPNOTSUPP", "EINVAL", "ESRCH", "ENODEV", "ENOTBLK"))
				return undefined;
			throw error;
		}
		const hard = Number(quota.readBigUInt64LE(HARD_AT)) * BLOCK_BYTES;
		return {
			usedBytes: Number(quota.readBigUInt64LE(USED_AT)) * BLOCK_BYTES,
			limitBytes: hard === 0 ? undefined : hard,
		};
	});
}

function attributesOf(fd: number): Buffer {
	const attributes = Buffer.alloc(FSXATTR_BYTES);
	ioctl(fd, FSGETXATTR, attributes);
	return attributes;
}
