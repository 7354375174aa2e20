/** What Node's `fs` lacks for directories that must survive a power cut or change places in one step. */
import { open } from "node:fs/promises";
import { atCall, checked, checkedAside } from "../libc.ts";

const AT_FDCWD = -100;
const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;

const syncfs = checkedAside<[fd: number]>("int syncfs(int fd)");
const renameat2 = checked<[fromFd: number, from: string, toFd: number, to: string, flags: number]>(
	"int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned int flags)",
);

/** The names in the directory are on disk when this resolves. */
export async function syncDirectory(path: string): Promise<void> {
	await using directory = await open(path, "r");
	await directory.sync();
}

/** Everything of the file system that holds `path` is on disk when this resolves; a failure is EIO whatever it was. */
export async function syncFileSystem(path: string): Promise<void> {
	await using directory = await open(path, "r");
	await syncfs(directory.fd);
}

/** The two change places in one step; both must be there. */
export function exchange(a: string, b: string): void {
	atCall(`exchange ${a} ${b}`, () => renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE));
}

/** Renames; a target that is there is EEXIST and stays. */
export function renameNew(from: string, to: string): void {
	atCall(`rename ${from} ${to}`, () => renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE));
}
