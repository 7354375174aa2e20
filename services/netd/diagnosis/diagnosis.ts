/** How the host is for netd: what is observed, and what each check has to say of it. Nothing is changed. */
import { Ip } from "#lib/address/ip.ts";
import { isFault } from "#lib/fault/fault.ts";
import type { Network } from "../network.ts";
import type { Parts } from "../parts.ts";
import { holderName } from "../port-conflict.ts";
import type { Port } from "../port.ts";
import type { Predefined } from "../predefined.ts";
import { hostFamilies } from "../publications.ts";
import { IS_THERE } from "../status.ts";
import { checkBridgePorts } from "./bridge-ports.ts";
import { checkBridgedFrames } from "./bridged-frames.ts";
import { checkDefaultNetwork } from "./default-network.ts";
import { checkFeatures } from "./features.ts";
import type { Finding } from "./finding.ts";
import { checkForeignChains, checkUnreadable } from "./foreign-chains.ts";
import { checkForwarding } from "./forwarding.ts";
import { checkIpv6 } from "./ipv6.ts";
import { checkMtu } from "./mtu.ts";
import { checkPorts } from "./ports.ts";
import { checkRoutes } from "./routes.ts";
import type { BridgedNetwork, PublishedPort, Situation } from "./situation.ts";
import { checkTables } from "./tables.ts";

const CHECKS: readonly ((situation: Situation) => readonly Finding[])[] = [
	checkFeatures,
	checkForwarding,
	checkIpv6,
	checkForeignChains,
	checkUnreadable,
	checkBridgedFrames,
	checkRoutes,
	checkMtu,
	checkBridgePorts,
	checkTables,
	checkPorts,
	checkDefaultNetwork,
];

const WORST_FIRST = ["error", "warning", "info"] as const;

export class Diagnosis {
	readonly #parts: Pick<Parts, "records" | "kernel" | "reservations" | "drivers">;
	readonly #predefined: Pick<Predefined, "differences" | "users">;

	constructor(
		parts: Pick<Parts, "records" | "kernel" | "reservations" | "drivers">,
		predefined: Pick<Predefined, "differences" | "users">,
	) {
		this.#parts = parts;
		this.#predefined = predefined;
	}

	/** Everything that is found, the worst first. */
	run(): Finding[] {
		const situation = this.#situation();
		const findings = CHECKS.flatMap((check) => check(situation));
		return WORST_FIRST.flatMap((severity) => findings.filter((finding) => finding.severity === severity));
	}

	#situation(): Situation {
		// What is on its way in or out is not looked at.
		const networks = this.#parts.records.networks([[IS_THERE]]);
		return {
			host: this.#parts.kernel.facts.observe(),
			networks: networks.flatMap(bridged),
			defaultNetwork: { differences: this.#predefined.differences(), users: this.#predefined.users() },
			ports: this.#ports(new Map(networks.map((network) => [network.id, network]))),
		};
	}

	#ports(networks: ReadonlyMap<string, Network>): PublishedPort[] {
		const { records } = this.#parts;
		return records.endpoints([[IS_THERE]]).flatMap(({ ports, networkId }) => {
			const network = networks.get(networkId);
			if (network === undefined) return [];
			return ports.map((port) => ({
				...port,
				container: holderName(records, port) ?? "a container",
				takenBy: this.#takenBy(port, network),
			}));
		});
	}

	#takenBy(port: Port, network: Network): string | undefined {
		const { reservations, kernel, drivers } = this.#parts;
		const families = hostFamilies(network, drivers.getLinked(network));
		if (reservations.isReserved(port, families)) return undefined;
		const { protocol, hostAddress, hostPort } = port;
		const addresses = hostAddress === undefined ? families.map((family) => Ip.of(family, 0n)) : [hostAddress];
		const requests = addresses.map((address) => ({ protocol, address, port: hostPort }));
		const taken = requests.find((request) => !this.#isFree(request));
		return taken && (kernel.hostPorts.holder(taken) ?? "another program");
	}

	/** Not reserved and free: netd takes it when it reconciles. */
	#isFree(request: Parameters<Parts["kernel"]["hostPorts"]["reserve"]>[0]): boolean {
		try {
			using probe = this.#parts.kernel.hostPorts.reserve(request);
			return probe !== undefined;
		} catch (error) {
			// The address has gone; no program has the port.
			if (isFault(error, "NOT_A_HOST_ADDRESS")) return true;
			throw error;
		}
	}
}

function bridged({ name, driver, interface: bridge, internal, predefined, subnets }: Network): BridgedNetwork[] {
	if (driver !== "bridge" || bridge === undefined) return [];
	return [{ name, bridge, internal, predefined, subnets: subnets.map(({ cidr }) => cidr) }];
}
