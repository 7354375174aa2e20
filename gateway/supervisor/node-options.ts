/**
 * How Node is started for a service, beside its program: what it would keep of memory and never need again.
 *
 * netd answers with many small objects that live for a call. V8 lets the space for such grow to 48 MB, and waits for much garbage,
 * with what it holds outside, before it looks at the rest; glibc keeps a heap for each thread of V8's and libuv's. With 900 endpoints
 * that is 200 MB resident, and 129 to 133 with these (with a smaller young space alone 122 to 158). Calls take as long as before;
 * where the old space may grow by 20 per cent only, it is 124 MB, and the slowest disconnects take three times as long.
 */
interface NodeOptions {
	readonly args: readonly string[];
	readonly env: Readonly<Record<string, string>>;
}

/** In MB; and by how many per cent the old space may grow until it is looked at again. */
const SMALL_HEAP = ["--max-semi-space-size=2", "--initial-old-space-size=20", "--heap-growing-percent=60"];
const QUIET = "--disable-warning=ExperimentalWarning";

export function nodeOptions(service: string): NodeOptions {
	if (service !== "netd") return { args: [QUIET], env: {} };
	return { args: [QUIET, ...SMALL_HEAP], env: { MALLOC_ARENA_MAX: "1" } };
}
