/** What upstream resolvers said and is kept: as many queries a second as are answered, beside dnsmasq with a cache before the same upstream. */
import { median, type Report } from "../support/figures.ts";
import { container, CONTAINERS, Dnsd, PORT } from "./dnsd.ts";
import { load, questions } from "./load.ts";
import { Namespaces, RESOLVER } from "./namespaces.ts";
import { dnsmasq, QUIET } from "./peers.ts";

const ROUNDS = 5;
const HOW = { seconds: 3 } as const;
const FORWARDER = "127.0.0.12";

export async function cached(report: Report): Promise<void> {
	await using namespaces = new Namespaces();
	// The upstream is in the namespace that is the host; dnsmasq forwards there, dnsd asks from there.
	const host = namespaces.create();
	await dnsmasq(namespaces, host, CONTAINERS, "--no-resolv", "--local-ttl=300");
	const forwarder = ["--no-resolv", `--server=${RESOLVER}`, "--cache-size=10000", "--no-negcache"];
	namespaces.start(host, "dnsmasq", ...QUIET, `--listen-address=${FORWARDER}`, ...forwarder);
	const inside = namespaces.create(PORT);
	await using _dnsd = await Dnsd.start([container(CONTAINERS, inside)], { netns: host, upstream: RESOLVER });
	const file = questions(namespaces);
	const [ours, theirs]: [number[], number[]] = [[], []];
	for (let round = 0; round <= ROUNDS; round++) {
		ours.push(await load(namespaces, inside, file, HOW));
		theirs.push(await load(namespaces, host, file, { ...HOW, server: FORWARDER }));
	}
	// The first fills.
	const [mine, peer] = [median(ours.slice(1)), median(theirs.slice(1))];
	report({
		figure: `kept answers of an upstream, ${CONTAINERS} names, queries a second`,
		ours: `${Math.round(mine)}, ${(mine / peer).toFixed(2)}x`,
		aim: ">= 1x",
		beside: `dnsmasq with a cache, without any rewrite: ${Math.round(peer)}`,
	});
}
