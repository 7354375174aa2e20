/** The audit of a host on which netd is alone: the store, the kernel, ipamd's leases, and what netd has acknowledged. */
import { compare } from "../../support/audit/compare.ts";
import { links } from "../../support/audit/kernel.ts";
import {
	flowsAgree,
	leasesAgree,
	linksAgree,
	rulesAgree,
	sandboxesAgree,
	unfinished,
} from "../../support/audit/network.ts";
import { eventually } from "../../support/eventually.ts";
import type { Host } from "../../support/host.ts";
import { ADOPTABLE, type NetdHost, OWN_ADDRESS } from "./instance.ts";
import type { Ledger } from "./ledger.ts";
import { everything } from "./operations.ts";

/** What is still amiss after reconciliation has had its time. Nothing may be under way. */
export async function amiss(it: NetdHost, ledger: Ledger): Promise<string[]> {
	let problems: string[] = [];
	await eventually(async () => {
		problems = await found(it, ledger);
		if (problems.length > 0) throw new Error("not yet");
	}, 20_000).catch(() => undefined);
	return problems;
}

async function found(it: NetdHost, ledger: Ledger): Promise<string[]> {
	const { host } = it;
	return [
		...unfinished(host.root),
		...(await linksAgree(host)),
		...(await sandboxesAgree(host)),
		...(await rulesAgree(host)),
		...leasesAgree(host.root),
		...(await flowsAgree(host)),
		...(await toldAgree(it, ledger)),
	];
}

interface Route {
	readonly gateway?: string;
}

/** By what netd says over gRPC. */
async function toldAgree({ host, networks, sandboxes, endpoints }: NetdHost, ledger: Ledger): Promise<string[]> {
	const told = {
		networks: (await networks.listNetworks(everything({ names: [], drivers: [], labels: {} }))).networks,
		sandboxes: (await sandboxes.listSandboxes(everything({ holder: "", owner: "" }))).sandboxes,
		endpoints: (await endpoints.listEndpoints(everything({ network: "", sandboxId: "" }))).endpoints,
	};
	const ids = (list: readonly { readonly id: string }[]): Set<string> => new Set(list.map(({ id }) => id));
	const problems = [
		...ledger.compare("network", ids(told.networks)),
		...ledger.compare("sandbox", ids(told.sandboxes)),
		...ledger.compare("endpoint", ids(told.endpoints)),
	];
	const present = new Map((await links(host)).map((link) => [link.name, link.addresses]));
	for (const { name, driver, interface: bridge, subnets, options, hostAddresses } of told.networks) {
		if (driver !== "bridge") continue;
		const own = subnets.filter(({ gateway }) => gateway !== "");
		const hasUplink = options["wharf.bridge.uplink"] !== undefined;
		const wanted = hasUplink ? hostAddresses : own.map(({ gateway, cidr }) => `${gateway}/${cidr.split("/")[1]}`);
		problems.push(...compare(`address of bridge ${name}`, wanted, present.get(bridge) ?? []));
	}
	const isTaken = told.networks.some(({ options }) => options["wharf.bridge.uplink"] === "eth2");
	problems.push(...compare("address of eth2", isTaken ? [] : [OWN_ADDRESS], present.get("eth2") ?? []));
	problems.push(...(await misledBy(host, told)));
	for (const { id, netnsPath, joinedSandboxId } of told.sandboxes) {
		if (joinedSandboxId !== "") continue;
		const [loopback] = (await links(host, netnsPath)).filter(({ name }) => name === "lo");
		if (loopback?.up !== true) problems.push(`the loopback of ${id.slice(0, 12)} is down`);
		const own = told.endpoints.filter(({ sandboxId }) => sandboxId === id);
		const leading = [
			...own.filter((one) => one.defaultGatewayIpv4).flatMap((one) => one.gateways.filter((ip) => !ip.includes(":"))),
			...own.filter((one) => one.defaultGatewayIpv6).flatMap((one) => one.gateways.filter((ip) => ip.includes(":"))),
		];
		problems.push(...compare(`default route in ${id.slice(0, 12)}`, leading, await defaultRoutes(host, netnsPath)));
	}
	// They are held at paths of netd's own, and owned by the name.
	const adopted = new Set(told.sandboxes.map(({ owner }) => owner));
	for (const path of ADOPTABLE.filter((name) => !adopted.has(name)).map((name) => `/run/netns/${name}`)) {
		const left = (await links(host, path)).map(({ name }) => name).filter((name) => name !== "lo");
		problems.push(...left.map((name) => `${path} was given back with ${name}`));
		const rules = await host.ok("nsenter", [`--net=${path}`, "--", "nft", "list", "ruleset"]);
		if (rules.trim() !== "") problems.push(`${path} was given back with rules: ${rules}`);
	}
	return problems;
}

interface Told {
	readonly networks: readonly { readonly id: string; readonly interface: string }[];
	readonly endpoints: readonly {
		readonly networkId: string;
		readonly mac: string;
		readonly addresses: readonly string[];
	}[];
}

/** What somebody has written of endpoints' addresses, and is wrong. */
async function misledBy(host: Host, { networks, endpoints }: Told): Promise<string[]> {
	const shown = await host.ok("ip", ["-j", "neigh", "show", "nud", "permanent"]);
	const written = JSON.parse(shown || "[]") as { dst: string; dev: string; lladdr?: string }[];
	return endpoints.flatMap(({ networkId, mac, addresses }) => {
		const bridge = networks.find(({ id }) => id === networkId)?.interface;
		const own = addresses.map((address) => address.split("/")[0]);
		return written
			.filter(({ dst, dev, lladdr }) => dev === bridge && own.includes(dst) && lladdr !== mac)
			.map(({ dst, dev }) => `the host does not find ${dst} on ${dev}`);
	});
}

async function defaultRoutes(host: Host, netns: string): Promise<string[]> {
	const all: string[] = [];
	for (const family of ["-4", "-6"]) {
		const args = [`--net=${netns}`, "--", "ip", "-j", family, "route", "show", "default"];
		const routes = JSON.parse((await host.ok("nsenter", args)) || "[]") as Route[];
		all.push(...routes.flatMap(({ gateway }) => gateway ?? []));
	}
	return all;
}
