/**
 * How Node is started for a service, beside its program: what it would keep of memory and never need again.
 *
 * They answer with many small objects that live for a call. V8 lets the space for such grow to 48 MB, and waits for much garbage,
 * with what it holds outside, before it looks at the rest; glibc keeps a heap for each thread of V8's and libuv's. netd with 900
 * endpoints has 200 MB resident, and 129 to 133 with these (with a smaller young space alone 122 to 158). Calls take as long as
 * before; where the old space may grow by 20 per cent only, it is 124 MB, and the slowest disconnects take three times as long.
 *
 * ipamd with 10,000 subnets and 1,000,000 leases has 342 MB, and 213 with these. With one heap for all its threads, or half of that
 * young space, it gives a fifth fewer leases a second.
 *
 * volumed, bundled, has 134 MB at the most in a backup and a restore of 20 GiB with holes. With a young space of 1 MB it has 122, and a restore
 * of 50,000 small files takes a fifth more of its own processor time; with 16 MB it takes as much as with 4.
 */
interface NodeOptions {
	readonly args: readonly string[];
	readonly env: Readonly<Record<string, string>>;
}

const QUIET = "--disable-warning=ExperimentalWarning";
const NOTHING: NodeOptions = { args: [], env: {} };

/** Sizes in MB; and by how many per cent the old space may grow until it is looked at again. */
const BY_SERVICE: Readonly<Record<string, NodeOptions>> = {
	netd: {
		args: ["--max-semi-space-size=2", "--initial-old-space-size=20", "--heap-growing-percent=60"],
		env: { MALLOC_ARENA_MAX: "1" },
	},
	volumed: {
		args: ["--max-semi-space-size=4", "--initial-old-space-size=8", "--heap-growing-percent=60"],
		env: { MALLOC_ARENA_MAX: "1" },
	},
	ipamd: { args: ["--max-semi-space-size=8", "--heap-growing-percent=60"], env: {} },
};

export function nodeOptions(service: string): NodeOptions {
	const { args, env } = BY_SERVICE[service] ?? NOTHING;
	return { args: [QUIET, ...args], env };
}
