/** Like Promise.all, but a failure is thrown when all have ended: an effect that came after the undo of another's failure would stay. */
export async function allDone<T extends readonly unknown[]>(
	running: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
	await Promise.allSettled(running);
	return Promise.all(running);
}
