/** The contract's methods and the use cases behind them. */
import { IpamServiceService } from "#gen/wharf/ipam/v1/ipam.ts";
import { type Implementation, implement, mutation, serverStream, unary } from "#lib/rpc/handler.ts";
import * as convert from "./convert.ts";
import type { Ipamd } from "./reconcile.ts";
import type { Lease } from "./subnet.ts";

export function ipamService({ subnets, leases, holdings, changes }: Ipamd): Implementation {
	return implement(IpamServiceService, {
		allocateSubnet: mutation({
			parse: convert.parseAllocateSubnet,
			run: (request, call) => subnets.allocate(request, call.answer),
			render: convert.renderAllocatedSubnet,
		}),
		getSubnet: unary({
			parse: ({ id }) => id,
			run: (id) => subnets.get(id),
			render: (subnet) => ({ subnet: convert.renderSubnet(subnet) }),
		}),
		getUsage: unary({
			parse: ({ id }) => id,
			run: (id) => subnets.usage(id),
			render: convert.renderUsage,
		}),
		listSubnets: unary({
			parse: convert.parseListSubnets,
			run: ({ filter, page }) => subnets.list(filter, page),
			render: convert.renderSubnets,
		}),
		releaseSubnet: mutation({
			parse: convert.parseReleaseSubnet,
			run: (request, call) => subnets.release(request, call.answer),
			render: (released: boolean) => ({ released }),
		}),
		allocateAddress: mutation({
			parse: convert.parseAllocateAddress,
			run: (request, call) => leases.allocate(request, call.answer),
			render: ([lease]: readonly Lease[]) => ({ lease: lease && convert.renderLease(lease) }),
		}),
		allocateAddresses: mutation({
			parse: convert.parseAllocateAddresses,
			run: (request, call) => leases.allocate(request, call.answer),
			render: (all: readonly Lease[]) => ({ leases: all.map(convert.renderLease) }),
		}),
		releaseAddress: mutation({
			parse: convert.parseReleaseAddress,
			run: (request, call) => leases.release(request, call.answer),
			render: (released: boolean) => ({ released }),
		}),
		listLeases: unary({
			parse: convert.parseListLeases,
			run: ({ filter, page }) => leases.list(filter, page),
			render: convert.renderLeases,
		}),
		releaseHoldings: mutation({
			parse: convert.parseReleaseHoldings,
			run: (request, call) => holdings.release(request, call.answer),
			render: convert.renderHoldings,
		}),
		watch: serverStream({
			parse: convert.parseWatch,
			run: (filter, { signal }) => changes.watch(filter, signal),
			render: convert.renderChange,
		}),
	});
}
