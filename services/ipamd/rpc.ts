/** The contract's methods and the use cases behind them. */
import { IpamServiceService } from "#gen/wharf/ipam/v1/ipam.ts";
import { type Implementation, implement, mutation, unary } from "#lib/rpc/handler.ts";
import * as convert from "./convert.ts";
import type { Leases } from "./leases.ts";
import type { Lease } from "./subnet.ts";
import type { Subnets } from "./subnets.ts";

export function ipamService(subnets: Subnets, leases: Leases): Implementation {
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
			render: (lease: Lease) => ({ lease: convert.renderLease(lease) }),
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
	});
}
