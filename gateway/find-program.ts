/** Where a program is: along PATH, and in the folders of administration programs, which daemons and `su` often do not have there. */
import { accessSync, constants } from "node:fs";
import { join } from "node:path";

const SYSTEM_FOLDERS = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

export function findProgram(name: string): string | undefined {
	const folders = [
		...(process.env["PATH"] ?? "").split(":").filter((folder) => folder.startsWith("/")),
		...SYSTEM_FOLDERS,
	];
	return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(path: string): boolean {
	try {
		accessSync(path, constants.X_OK);
		return true;
	} catch {
		return false;
	}
}
