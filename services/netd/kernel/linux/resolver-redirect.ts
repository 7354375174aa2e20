/**
 * The resolver's rewrite in a sandbox: stateless, in the raw hook, before any connection is tracked.
 *
 * A translation by connection tracking costs a tenth of the queries; this costs nothing measurable. The answers are rewritten on
 * their way out of the resolver's socket, which is in the same namespace: to the container they come from port 53.
 */
import { isDeepStrictEqual } from "node:util";
import { killPoint } from "#lib/config/kill-point.ts";
import { isErrno } from "#lib/linux/libc.ts";
import type { Expression, Rule } from "#lib/linux/nft/expression.ts";
import { address, type Field, inetProto, service } from "#lib/linux/nft/field.ts";
import { NfTables } from "#lib/linux/nft/nf-tables.ts";
import type { BaseChain, Table } from "#lib/linux/nft/table.ts";
import type { Log } from "#lib/log/log.ts";
import { RESOLVER_ADDRESS } from "../../sandbox.ts";
import type { ResolverRedirect } from "../resolver-redirect.ts";
import { refusal } from "./refusal.ts";

const TABLE = { family: "inet", table: "wharf" } as const;
const CHAIN = "resolver";
const DNS_PORT = 53;
const RAW_PRIORITY = -300;
const NFPROTO_IPV4 = 2;

/** Where the addresses are in an IPv4 header, and the ports in a header of UDP or TCP. */
const SOURCE = {
	address: { header: "network", offset: 12, lengthBytes: 4 },
	port: { header: "transport", offset: 0, lengthBytes: 2 },
} as const;
const DESTINATION = {
	address: { header: "network", offset: 16, lengthBytes: 4 },
	port: { header: "transport", offset: 2, lengthBytes: 2 },
} as const;
const CHECKSUM_OFFSETS = { udp: 6, tcp: 16 } as const;
type Protocol = keyof typeof CHECKSUM_OFFSETS;
type End = typeof SOURCE | typeof DESTINATION;

const equals = (value: Field): Expression => ({ kind: "equals", value });
const immediate = (value: Field): Expression => ({ kind: "immediate", value });

/** What does not depend on the resolver's port is kept, and so encoded only once. */
const PROTOCOLS = (["udp", "tcp"] as const).map((protocol) => ({
	queries: of(protocol, DESTINATION),
	answers: of(protocol, SOURCE),
}));
const IS_DNS = equals(service(DNS_PORT));
const TO_DNS = immediate(service(DNS_PORT));
const NOTRACK: Expression = { kind: "notrack" };

/** Of a rule `ip daddr 127.0.0.11 udp dport FROM notrack udp dport set TO`, or the same of the source: what is before FROM, and the writing. */
function of(protocol: Protocol, end: End): { readonly load: Rule; readonly write: Expression } {
	return {
		load: [
			{ kind: "meta", key: "nfproto" },
			equals(Uint8Array.of(NFPROTO_IPV4)),
			{ kind: "payload", at: end.address },
			equals(address(RESOLVER_ADDRESS)),
			{ kind: "meta", key: "l4proto" },
			equals(inetProto(protocol)),
			{ kind: "payload", at: end.port },
		],
		write: { kind: "write", at: end.port, checksumOffset: CHECKSUM_OFFSETS[protocol] },
	};
}

export class LinuxResolverRedirect implements ResolverRedirect {
	readonly #log: Log;

	constructor(log: Log) {
		this.#log = log;
	}

	ensure(netns: string, port: number): void {
		const changed = refusal("lead a sandbox's queries to its resolver", () => {
			using tables = NfTables.open(netns);
			return ensureIn(tables, port);
		});
		if (!changed) return;
		killPoint("netd.resolver.redirected");
		this.#log.change("resolver.redirect", { netns, port });
	}

	remove(netns: string): void {
		refusal("remove the rewrite of a sandbox's queries", () => {
			try {
				using tables = NfTables.open(netns);
				if (tables.hasTable(TABLE)) tables.removeTable(TABLE);
			} catch (error) {
				if (!isErrno(error, "ENOENT")) throw error;
			}
		});
	}

	observe(netns: string): number | undefined {
		using tables = NfTables.open(netns);
		return portIn(tables);
	}
}

/**
 * False when it was so already. Asked first: a namespace has it once for its life, as a rule, and both a transaction that the
 * kernel refuses and one that removes something cost a grace period of RCU, some 12 ms, where a question costs microseconds.
 */
function ensureIn(tables: NfTables, port: number): boolean {
	if (!tables.hasTable(TABLE)) tables.addTable(tableFor(port));
	else if (portIn(tables) === port) return false;
	else tables.replaceTable(tableFor(port));
	return true;
}

/** The port to which the rewrite leads, if all of it is there and nothing else. */
function portIn(tables: NfTables): number | undefined {
	const chain = tables.findChain({ ...TABLE, chain: CHAIN });
	const port = chain?.rules[0]?.find((expression) => expression.kind === "immediate")?.value;
	if (port?.length !== 2) return undefined;
	const [high = 0, low = 0] = port;
	const number = (high << 8) | low;
	return isDeepStrictEqual(chain, chainFor(number)) ? number : undefined;
}

function tableFor(port: number): Table {
	return { ...TABLE, chains: { [CHAIN]: chainFor(port) } };
}

function chainFor(port: number): BaseChain {
	const [isPort, toPort] = [equals(service(port)), immediate(service(port))];
	const rules = PROTOCOLS.flatMap(({ queries, answers }) => [
		[...queries.load, IS_DNS, NOTRACK, toPort, queries.write],
		[...answers.load, isPort, NOTRACK, TO_DNS, answers.write],
	]);
	return { type: "filter", hook: "output", priority: RAW_PRIORITY, policy: "accept", rules };
}
