/** The strict model of ipamd, for tests of use cases: constant ranges, next-fit addresses, nothing given twice. */
import { Cidr, IpInterface } from "#lib/address/cidr.ts";
import { Fault } from "#lib/fault/fault.ts";
import type { Ip } from "#lib/address/ip.ts";
import type { AddressesSpec, Allocator, HeldLease, HeldSubnet, LeaseRef, SubnetSpec, Taken } from "../allocator.ts";
import { newId } from "../id.ts";
import type { Subnet } from "../network.ts";

interface Allocated extends Subnet {
	readonly owner: string;
	next: bigint;
}

export class ModelAllocator implements Allocator {
	readonly #subnets = new Map<string, Allocated>();
	readonly #leases: HeldLease[] = [];
	#networks = 0;
	/** While set, every call fails as if ipamd did not run. */
	down = false;

	async takeSubnet(owner: string, spec: SubnetSpec): Promise<Taken> {
		this.#answer();
		const present = [...this.#subnets.values()].find((one) => one.owner === owner && one.cidr.family === spec.family);
		if (present !== undefined) return { subnet: plain(present), warnings: [] };
		const cidr = spec.cidr ?? this.#nextCidr(spec.family);
		if ([...this.#subnets.values()].some((one) => one.cidr.overlaps(cidr)))
			throw refusal("SUBNET_OVERLAPS", `${cidr} overlaps`);
		const { ipRange, auxiliary } = spec;
		const gateway = spec.gateway ?? cidr.first.plus(1n);
		const automatic = spec.cidr === undefined;
		const next = ipRange === undefined ? 2n : 0n;
		const subnet = { id: newId(), owner, cidr, ipRange, gateway, auxiliary, automatic, next };
		this.#subnets.set(subnet.id, subnet);
		return { subnet: plain(subnet), warnings: [] };
	}

	async releaseSubnets(owner: string): Promise<void> {
		this.#answer();
		for (const subnet of this.#subnets.values()) {
			if (subnet.owner !== owner) continue;
			if (this.#leases.some(({ subnetId }) => subnetId === subnet.id))
				throw refusal("SUBNET_IN_USE", "leases are left");
			this.#subnets.delete(subnet.id);
		}
	}

	async takeAddresses({ owner, wishes }: AddressesSpec): Promise<IpInterface[]> {
		this.#answer();
		const before = this.#leases.length;
		try {
			return wishes.map((wish) => this.#take(owner, wish));
		} catch (error) {
			this.#leases.splice(before);
			throw error;
		}
	}

	async releaseAddresses(leases: readonly LeaseRef[]): Promise<HeldLease[]> {
		this.#answer();
		return leases.flatMap(({ subnetId, owner }) => {
			const index = this.#leases.findIndex((lease) => lease.subnetId === subnetId && lease.owner === owner);
			return index < 0 ? [] : this.#leases.splice(index, 1);
		});
	}

	async subnets(): Promise<readonly HeldSubnet[]> {
		this.#answer();
		return [...this.#subnets.values()].map(({ id, owner }) => ({ id, owner }));
	}

	async leases(): Promise<readonly HeldLease[]> {
		this.#answer();
		return [...this.#leases];
	}

	/** What is held, to compare. */
	snapshot(): { subnets: string[]; leases: string[] } {
		return {
			subnets: [...this.#subnets.values()].map(({ cidr }) => cidr.toString()),
			leases: this.#leases.map(({ address }) => address.toString()),
		};
	}

	#take(owner: string, { subnetId, address }: AddressesSpec["wishes"][number]): IpInterface {
		const subnet = this.#subnets.get(subnetId);
		if (subnet === undefined) throw refusal("SUBNET_NOT_FOUND", `there is no subnet ${subnetId}`);
		const mine = this.#leases.find((lease) => lease.subnetId === subnetId && lease.owner === owner);
		const ip = mine?.address ?? address ?? (subnet.ipRange ?? subnet.cidr).first.plus(subnet.next++);
		if (!subnet.cidr.contains(ip)) throw refusal("OUTSIDE_SUBNET", `${ip} is outside ${subnet.cidr}`);
		if (mine === undefined) {
			if (this.#leases.some((lease) => lease.address.equals(ip))) throw refusal("ADDRESS_IN_USE", `${ip} is leased`);
			this.#leases.push({ subnetId, owner, address: ip });
		}
		return IpInterface.of(ip, subnet.cidr.prefix);
	}

	#nextCidr(family: Ip["family"]): Cidr {
		this.#networks += 1;
		return Cidr.parse(family === 4 ? `10.61.${this.#networks}.0/24` : `fd00:61:${this.#networks}::/64`);
	}

	#answer(): void {
		if (this.down) throw refusal("SERVICE_UNAVAILABLE", "ipamd does not answer", "UNAVAILABLE");
	}
}

function plain({ id, cidr, ipRange, gateway, auxiliary, automatic }: Allocated): Subnet {
	return { id, cidr, ipRange, gateway, auxiliary, automatic };
}

function refusal(reason: string, message: string, code: Fault["code"] = "FAILED_PRECONDITION"): Fault {
	return new Fault({ code, reason, domain: "ipamd", message });
}
