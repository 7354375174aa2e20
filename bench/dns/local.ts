/** Local names: as many queries a second as are answered. */
import { median, type Report } from "../support/figures.ts";
import { containers, CONTAINERS, Dnsd, PORT } from "./dnsd.ts";
import { load, questions } from "./load.ts";
import { Namespaces } from "./namespaces.ts";
import { aardvark, dnsmasq, DockerPeer, type Peer } from "./peers.ts";

const ROUNDS = 5;
const SECONDS = 3;

export async function local(report: Report): Promise<void> {
	await using namespaces = new Namespaces();
	const inside = namespaces.create(PORT);
	await using dnsd = await Dnsd.start(containers(inside));
	await using docker = await DockerPeer.start(CONTAINERS);
	const rewritten = namespaces.create(PORT);
	const askers: Readonly<Record<string, Peer | undefined>> = {
		dnsd: { netns: inside, server: "127.0.0.11" },
		"dnsmasq without any rewrite": await dnsmasq(namespaces, namespaces.create(), CONTAINERS),
		"dnsmasq behind the same rewrite": await dnsmasq(namespaces, rewritten, CONTAINERS, `--port=${PORT}`),
		"Docker's resolver": docker?.peer,
		"aardvark-dns 1.4": await aardvark(namespaces, CONTAINERS),
	};
	const file = questions(namespaces);
	const found: Record<string, number[]> = {};
	for (let round = 0; round < ROUNDS; round++) {
		for (const [name, peer] of Object.entries(askers)) {
			if (peer === undefined) continue;
			const perSecond = await load(namespaces, peer.netns, file, { seconds: SECONDS, server: peer.server });
			(found[name] ??= []).push(perSecond);
		}
	}
	const ours = median(found["dnsd"] ?? []);
	const aims: Readonly<Record<string, string>> = {
		"dnsmasq without any rewrite": ">= 0.9x",
		"dnsmasq behind the same rewrite": ">= 1x",
		"Docker's resolver": ">= 2x",
		"aardvark-dns 1.4": ">= 20x",
	};
	for (const [name, aim] of Object.entries(aims)) {
		const theirs = found[name];
		report({
			figure: `local names, ${CONTAINERS} containers, queries a second`,
			ours: `${Math.round(ours)}${theirs === undefined ? "" : `, ${(ours / median(theirs)).toFixed(2)}x`}`,
			aim,
			beside:
				theirs === undefined ? `${name}: not installed (bench/setup-peers)` : `${name}: ${Math.round(median(theirs))}`,
		});
	}
	console.log(`  resident: ${dnsd.residentMb().toFixed(0)} MB`);
}
