/**
 * What the directory of a restore is called while it is within a volume's content: it is no part of that.
 *
 * Who writes to the content sees its name, and can put something else there. In it is another one, called by the restore's id, which
 * volumed alone knows, and where nobody but root can look: what is found there is what was made.
 */
import { createHash } from "node:crypto";

const PREFIX = ".wharf-stage-";

export function stageName(id: string): string {
	return `${PREFIX}${createHash("sha256").update(id).digest("hex").slice(0, 32)}`;
}

/** Of a name at the content's root. It follows from an id, and those are made here, so that no file of a user's is called like this. */
export function isStage(name: string): boolean {
	return name.startsWith(PREFIX) && /^[0-9a-f]{32}$/.test(name.slice(PREFIX.length));
}
