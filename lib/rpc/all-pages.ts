/** Lists that come in pages, whole. */
interface Page {
	readonly nextPageToken: string;
}

const PAGE_SIZE = 1000;

export async function allPages<P extends Page, T>(
	page: (request: { pageSize: number; pageToken: string }) => Promise<P>,
	items: (page: P) => readonly T[],
): Promise<T[]> {
	const found: T[] = [];
	let pageToken = "";
	do {
		const answer = await page({ pageSize: PAGE_SIZE, pageToken });
		found.push(...items(answer));
		pageToken = answer.nextPageToken;
	} while (pageToken !== "");
	return found;
}
