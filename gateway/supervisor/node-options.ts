/**
 * How Node is started for a service, beside its program: what it would keep of memory and never need again.
 *
 * netd answers with many small objects that live for a call. V8 lets the space for such grow to 48 MB, and glibc keeps a heap for
 * each thread of V8's and libuv's: with 900 endpoints that is 202 MB resident, and 125 with these. A call takes as long as before.
 */
interface NodeOptions {
	readonly args: readonly string[];
	readonly env: Readonly<Record<string, string>>;
}

const QUIET = "--disable-warning=ExperimentalWarning";

export function nodeOptions(service: string): NodeOptions {
	if (service !== "netd") return { args: [QUIET], env: {} };
	return { args: [QUIET, "--max-semi-space-size=2"], env: { MALLOC_ARENA_MAX: "1" } };
}
