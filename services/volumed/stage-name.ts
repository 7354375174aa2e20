/** What the directory of a restore is called while it is within a volume's content: it is no part of that. */
const PREFIX = ".wharf-stage-";

export function stageName(id: string): string {
	return `${PREFIX}${id}`;
}

/** Of a name at the content's root. Ids are made here, so that no file of a user's is called like this. */
export function isStage(name: string): boolean {
	return name.startsWith(PREFIX) && /^[0-9a-f]{32}$/.test(name.slice(PREFIX.length));
}
