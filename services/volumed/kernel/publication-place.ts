/** Where volumes may be published: the path's parents are the administrator's, and its last part is a directory or nothing. */
import { basename, dirname, join, normalize } from "node:path";
import { volumeFaults } from "../faults.ts";
import { type Looking, Silence, SILENT } from "./looking.ts";

const LONGEST_BYTES = 4095;

export interface PublicationPlace {
	/** Without links. */
	readonly folder: string;
	readonly path: string;
}

/** `own` are the instance's directories, without links. Fault: INVALID_PATH. */
export async function publicationPlace(
	path: string,
	own: readonly string[],
	looking: Looking,
): Promise<PublicationPlace> {
	const refuse = (problem: string) => volumeFaults.INVALID_PATH({ path, problem });
	if (!path.startsWith("/")) throw refuse("it is no absolute path");
	if (path.includes("\0")) throw refuse("it has a zero byte");
	if (Buffer.byteLength(path) > LONGEST_BYTES) throw refuse("it is too long");
	if (path === "/") throw refuse("it is the root");
	if (normalize(path) !== path || path.endsWith("/")) throw refuse("it is not in its shortest form");
	const folder = await looking.look("realPathOf", dirname(path)).catch((error: unknown) => {
		throw error instanceof Silence ? refuse(SILENT) : error;
	});
	if (folder === undefined) throw refuse(`there is no directory ${dirname(path)}`);
	const real = join(folder, basename(path));
	const inTheWay = own.find((one) => isBelow(real, one) || isBelow(one, real));
	if (inTheWay !== undefined) throw refuse(`wharf has its own in ${inTheWay}`);
	return { folder, path: basename(path) };
}

/** Or the same. */
function isBelow(path: string, above: string): boolean {
	return path === above || path.startsWith(`${above}/`);
}
