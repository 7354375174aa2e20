/** Whether rules of other programs drop what networks forward, and the place that those programs have for exceptions. */
import type { Family } from "#lib/address/ip.ts";
import type { Accepted, Dropper } from "../kernel/host-facts.ts";
import { commandLine, type Finding } from "./finding.ts";
import { type BridgedNetwork, hasFamily, type Situation } from "./situation.ts";

/** Whose rules netd adapts to where the operator lets it. */
const ADAPTED = new Set(["Docker", "ufw", "firewalld"]);
const CONSENT = " Or have netd keep one rule there for all networks: WHARF_NETD_FOREIGN_FIREWALL=adapt.";

export function checkForeignChains({ host, networks }: Situation): Finding[] {
	return host.droppers.flatMap((dropper) =>
		networks
			.filter((network) => meets(dropper, network, host.showsBridged) && !letsThrough(dropper, network))
			.map((network) => dropped(dropper, network)),
	);
}

/** Rules that may drop, or not: a person has to look. */
export function checkUnreadable({ host }: Situation): Finding[] {
	return host.unreadable.map((program) => ({
		severity: "info",
		code: "RULES_UNREADABLE",
		sentence: `The host has packet rules of ${program}, which netd cannot read: whether they drop what networks forward is not known.`,
		advice:
			"Look whether the policy of FORWARD is DROP, and let the bridges through there if it is; or move the rules to nftables.",
		commands: [commandLine(program, "-S", "FORWARD")],
		metadata: { program },
	}));
}

/** What a network on its own sends is forwarded between its bridge's ports: only such frames as are shown to the rules, and all to those of bridges. */
function meets({ family }: Dropper, network: BridgedNetwork, shown: Situation["host"]["showsBridged"]): boolean {
	if (family === "bridge") return true;
	const families = ([4, 6] as const).filter((each) => hasFamily(network, each) && isOfFamily({ family }, each));
	return families.some((each) => !network.internal || shown[each]);
}

/** It is in a table that packets of the family meet; one of bridges is for frames. */
export function isOfFamily({ family: of }: Pick<Dropper, "family">, family: Family): boolean {
	return of === "inet" || of === (family === 4 ? "ip" : "ip6");
}

export function letsThrough({ accepts }: Dropper, { bridge }: BridgedNetwork): boolean {
	if (accepts.some(({ ours }) => ours)) return true;
	const out = accepts.some((one) => !one.translated && fits(one.in, bridge) && one.out === undefined);
	const back = accepts.some(
		(one) => (one.translated || fits(one.out, bridge)) && (one.in === undefined || one.in === "*"),
	);
	return out && back;
}

function fits(pattern: Accepted["in"], name: string): boolean {
	if (pattern === undefined) return true;
	return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function dropped(dropper: Dropper, { name, bridge }: BridgedNetwork): Finding {
	const { family, table, chain } = dropper;
	const { owner, advice, commands } = remedy(dropper, bridge);
	return {
		severity: "error",
		code: "FOREIGN_DROP",
		sentence: `The chain ${chain} of the table ${family} ${table}${owner === "" ? "" : `, ${owner}'s,`} drops what it is not told to accept, so also what the network ${name} forwards.`,
		advice: `${advice}${ADAPTED.has(owner) ? CONSENT : ""} Nothing more gets in by that: wharf's own rules still let in what is published, and answers.`,
		commands,
		metadata: { network: name, interface: bridge, family, table, chain, owner },
	};
}

interface Remedy {
	/** Empty: nobody known. */
	readonly owner: string;
	readonly advice: string;
	readonly commands: readonly string[];
}

function remedy({ family, table, chain, chains }: Dropper, bridge: string): Remedy {
	if (chains.includes("DOCKER-USER")) {
		const advice =
			"Let it through in DOCKER-USER, the chain that Docker leaves to you; it is empty again after a restart of the machine.";
		return { owner: "Docker", advice, commands: iptables(family, "DOCKER-USER", bridge) };
	}
	if (chains.some((each) => /^ufw6?-/.test(each))) {
		const direction = (way: string): string => commandLine("ufw", "route", "allow", way, "on", bridge);
		const advice = "Let it through as a route of ufw's; it stays.";
		return { owner: "ufw", advice, commands: [direction("in"), direction("out")] };
	}
	if (table === "firewalld") {
		const zone = commandLine("firewall-cmd", "--permanent", "--zone=trusted", `--add-interface=${bridge}`);
		const advice = "Put its bridge into firewalld's zone trusted; it stays.";
		return { owner: "firewalld", advice, commands: [zone, "firewall-cmd --reload"] };
	}
	if (table === "filter" && chain === "FORWARD" && (family === "ip" || family === "ip6")) {
		const advice = "Let it through, and keep that where the host keeps its iptables rules.";
		return { owner: "iptables", advice, commands: iptables(family, chain, bridge) };
	}
	const insert = (key: string): string =>
		commandLine("nft", `insert rule ${family} ${table} ${chain} ${key} "${bridge}" accept`);
	const keys = family === "bridge" ? ["meta ibrname", "meta obrname"] : ["iifname", "oifname"];
	const advice = "Let it through, and keep that where the host keeps its nftables rules.";
	return { owner: "", advice, commands: keys.map(insert) };
}

function iptables(family: Dropper["family"], chain: string, bridge: string): string[] {
	const program = family === "ip6" ? "ip6tables" : "iptables";
	return ["-i", "-o"].map((way) => commandLine(program, "-I", chain, way, bridge, "-j", "ACCEPT"));
}
