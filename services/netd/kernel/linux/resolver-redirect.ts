/**
 * The resolver's rewrite in a sandbox: stateless, in the raw hook, before any connection is tracked.
 *
 * A translation by connection tracking costs a tenth of the queries; this costs nothing measurable. The answers are rewritten on
 * their way out of the resolver's socket, which is in the same namespace: to the container they come from port 53.
 */
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "#lib/linux/libc.ts";
import { Nft, NftError } from "#lib/linux/nft/nft.ts";
import { NfTables } from "#lib/linux/nft/nf-tables.ts";
import type { Log } from "#lib/log/log.ts";
import { RESOLVER_ADDRESS } from "../../sandbox.ts";
import type { ResolverRedirect } from "../resolver-redirect.ts";
import { refusal } from "./refusal.ts";

const TABLE = { family: "inet", table: "wharf" } as const;

export class LinuxResolverRedirect implements ResolverRedirect {
	readonly #log: Log;

	constructor(log: Log) {
		this.#log = log;
	}

	ensure(netns: string, port: number): void {
		refusal("lead a sandbox's queries to its resolver", () => {
			// A namespace has it once for its life, as a rule. What is replaced costs more: after a removal the kernel lets a
			// netfilter socket be closed only when the removed is freed, some 12 ms later.
			const replaced = hasTable(netns) ? "delete table inet wharf\n" : "";
			using nft = Nft.open(netns);
			nft.run(replaced + table(port));
		});
		killPoint("netd.resolver.redirected");
		this.#log.change("resolver.redirect", { netns, port });
	}

	remove(netns: string): void {
		refusal("remove the rewrite of a sandbox's queries", () => {
			try {
				if (!hasTable(netns)) return;
				using nft = Nft.open(netns);
				nft.run("delete table inet wharf");
			} catch (error) {
				if (!isErrno(error, "ENOENT")) throw error;
			}
		});
	}

	observe(netns: string): number | undefined {
		if (!hasTable(netns)) return undefined;
		using nft = Nft.open(netns);
		try {
			const port = /@th,16,16 set (\d+)|udp dport set (\d+)/.exec(nft.run("list chain inet wharf resolver"));
			return port === null ? undefined : Number(port[1] ?? port[2]);
		} catch (error) {
			if (error instanceof NftError) return undefined;
			throw error;
		}
	}
}

function hasTable(netns: string): boolean {
	using tables = NfTables.open(netns);
	return tables.hasTable(TABLE);
}

function table(port: number): string {
	const rules = (["udp", "tcp"] as const).flatMap((protocol) => [
		`ip daddr ${RESOLVER_ADDRESS} ${protocol} dport 53 notrack ${protocol} dport set ${port}`,
		`ip saddr ${RESOLVER_ADDRESS} ${protocol} sport ${port} notrack ${protocol} sport set 53`,
	]);
	return `table inet wharf {
	chain resolver {
		type filter hook output priority raw; policy accept;
		${rules.join("\n")}
	}
}`;
}
