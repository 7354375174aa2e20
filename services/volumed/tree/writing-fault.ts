/** What the kernel refuses while an entry is made, as a Fault that names the entry: a full disk, what is wrong with the entry, anything else. */
import { LinuxError } from "#lib/linux/libc.ts";
import { type Entry, shown } from "../archive/entry.ts";
import { volumeFaults } from "../faults.ts";

const FULL = new Set(["ENOSPC", "EDQUOT"]);
/** What is wrong with the entry and not with the machine. */
const UNFIT = new Set([
	"ENAMETOOLONG",
	"EFBIG",
	"ELOOP",
	"ENOTDIR",
	"EXDEV",
	"ENOTEMPTY",
	"EMLINK",
	"EINVAL",
	"EILSEQ",
]);

export function writingFault(entry: Entry, error: unknown): unknown {
	if (!(error instanceof LinuxError)) return error;
	const path = shown(entry.path);
	if (FULL.has(error.code)) return volumeFaults.DISK_FULL({ path, problem: error.message }, { cause: error });
	if (UNFIT.has(error.code)) return volumeFaults.ENTRY_REFUSED({ entry: path, why: error.message }, { cause: error });
	return volumeFaults.KERNEL_REFUSED({ what: `writing ${path}`, problem: error.message }, { cause: error });
}
