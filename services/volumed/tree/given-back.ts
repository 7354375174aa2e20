/** Memory that goes at once. */

/**
 * For buffers of which nobody reads or writes any more. Left to V8 they would stay until it looks for garbage, which a job that makes
 * little of it does not give it reason to.
 */
export function giveBack(buffers: readonly Buffer[]): void {
	for (const { buffer } of buffers) if (buffer instanceof ArrayBuffer) buffer.transfer(0);
}
