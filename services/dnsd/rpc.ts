/** DnsService, as its contract says. */
import { DnsServiceService } from "#gen/wharf/dns/v1/dns.ts";
import { type Implementation, implement, unary } from "#lib/rpc/handler.ts";
import { lookUpOf, lookUpResponse, statusResponse } from "./convert.ts";
import type { NameWatch } from "./peers/netd.ts";
import type { Resolver } from "./resolver.ts";

export function dnsService(resolver: Resolver, watch: NameWatch): Implementation {
	return implement(DnsServiceService, {
		getStatus: unary({
			parse: () => undefined,
			run: () => ({ watch: watch.state(), resolver: resolver.status() }),
			render: statusResponse,
		}),
		lookUp: unary({
			parse: lookUpOf,
			run: ({ sandboxId, name, type }) => resolver.lookUp(sandboxId, name, type),
			render: lookUpResponse,
		}),
	});
}
