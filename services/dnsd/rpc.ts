/** DnsService, as its contract says. */
import { DnsServiceService } from "#gen/wharf/dns/v1/dns.ts";
import { type Implementation, implement, serverStream, unary } from "#lib/rpc/handler.ts";
import { pageToken } from "#lib/rpc/page.ts";
import {
	filterOf,
	listPageOf,
	lookUpOf,
	lookUpResponse,
	parcelMessage,
	servedMessage,
	statusResponse,
} from "./convert.ts";
import type { NameWatch } from "./peers/netd.ts";
import type { Resolver } from "./resolver.ts";

export function dnsService(resolver: Resolver, watch: NameWatch): Implementation {
	return implement(DnsServiceService, {
		getStatus: unary({
			parse: () => undefined,
			run: () => ({ watch: watch.state(), resolver: resolver.status() }),
			render: statusResponse,
		}),
		listSandboxes: unary({
			parse: listPageOf,
			run: (page) => resolver.sandboxes(page),
			render: ({ items, next }) => ({ sandboxes: items.map(servedMessage), nextPageToken: pageToken(next) }),
		}),
		lookUp: unary({
			parse: lookUpOf,
			run: ({ sandboxId, name, type }) => resolver.lookUp(sandboxId, name, type),
			render: lookUpResponse,
		}),
		watchQueries: serverStream({
			parse: filterOf,
			run: (filter, { signal }) => resolver.queries.watch(filter, signal),
			render: parcelMessage,
		}),
		flushCache: unary({
			parse: () => undefined,
			run: () => resolver.flushCache(),
			render: (entries: number) => ({ entries: BigInt(entries) }),
		}),
	});
}
