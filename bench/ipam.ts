/**
 * ipamd against what it is to reach: the allocator alone; AllocateAddress through gRPC, durable when answered, beside CNI's host-local
 * where that is installed (`bench/setup-peers`); ten thousand subnets with a million leases. Prints only.
 *
 * The client shares the machine with ipamd, as netd does.
 */
import { allocator } from "./ipam/allocator.ts";
import { leasing } from "./ipam/leasing.ts";
import { scale } from "./ipam/scale.ts";
import { printParts } from "./support/figures.ts";

await printParts("ipamd", { allocator, leasing, scale });
