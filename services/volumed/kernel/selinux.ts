/** SELinux labels of what containers are shown: without container_file_t a confined container may not touch it (`z` and `Z` of `-v`). */
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { run } from "#lib/exec/run.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { mountOf } from "#lib/linux/mount/origin.ts";
import { volumeFaults } from "../faults.ts";

const CONTEXT = "system_u:object_r:container_file_t";
const EVERYBODY = "s0";
const LEVEL = /^s\d+(-s\d+)?(:c\d+([.,]c\d+)*)?$/;

/** The system's own: confined services would lose them. As Docker refuses them: `Relabel` in opencontainers/selinux, go-selinux/label. */
const OF_THE_SYSTEM: ReadonlySet<string> = new Set([
	..."/ /bin /boot /dev /etc /etc/passwd /etc/pki /etc/shadow /home /lib /lib64 /media /opt /proc".split(" "),
	..."/root /run /sbin /srv /sys /tmp /usr /var /var/lib /var/log".split(" "),
]);

export class Selinux {
	readonly #enforce: string;

	/** Where selinuxfs is mounted, if it is. */
	constructor(folder = "/sys/fs/selinux") {
		this.#enforce = join(folder, "enforce");
	}

	/** The kernel has it on, whether it enforces or only says what it would refuse. */
	isEnabled(): boolean {
		return existsSync(this.#enforce);
	}

	/**
	 * Labels the path, and all below it, so that every container may use it, or only those of `level` (`s0:c1,c2`; `s0` when it is not
	 * said). False: nothing was changed, because SELinux is off or the file system keeps no labels. Links are not followed but at the
	 * path's own end. Faults: INVALID_SOURCE (the system's own, or what is not there), KERNEL_REFUSED.
	 */
	async relabel(path: string, who: "shared" | "private", level = EVERYBODY): Promise<boolean> {
		if (!this.isEnabled()) return false;
		if (!LEVEL.test(level)) throw new Error(`${level} is no level of SELinux`);
		const real = await realpath(path).catch((error: unknown) => {
			if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) {
				throw volumeFaults.INVALID_SOURCE({ path, problem: "there is nothing to label" }, { cause: error });
			}
			throw error;
		});
		if (OF_THE_SYSTEM.has(real) || real === homedir()) {
			const problem = "it is the system's own, and its SELinux labels must stay (leave out z and Z)";
			throw volumeFaults.INVALID_SOURCE({ path, problem });
		}
		if (mountOf(real)?.superOptions.includes("seclabel") !== true) return false;
		await label(real, `${CONTEXT}:${who === "shared" ? EVERYBODY : level}`);
		return true;
	}
}

/** With everything below. Fault: KERNEL_REFUSED. */
export async function label(path: string, context: string): Promise<void> {
	const { exitCode, stderr } = await run("chcon", ["-R", "-h", context, "--", path], { acceptExit: [0, 1] });
	if (exitCode === 0) return;
	throw volumeFaults.KERNEL_REFUSED({ what: `labelling ${path}`, problem: stderr.trim().slice(-500) });
}
