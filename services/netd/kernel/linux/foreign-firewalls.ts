/** Other programs' packet rules through libnftables, and the marks in our own table by which their one rule knows what is ours. */
import type { IfName } from "#lib/address/if-name.ts";
import { killPoint } from "#lib/config/kill-point.ts";
import { TABLE_MAIN } from "#lib/linux/netlink/routes.ts";
import { Rtnetlink } from "#lib/linux/netlink/rtnetlink.ts";
import { hex, isLetThrough, LET_THROUGH_MARK } from "#lib/linux/nft/let-through.ts";
import { type ListedRule, rulesIn } from "#lib/linux/nft/listed-rule.ts";
import { NfTables } from "#lib/linux/nft/nf-tables.ts";
import { Nft, NftError } from "#lib/linux/nft/nft.ts";
import type { Log } from "#lib/log/log.ts";
import type { Difference } from "../firewall.ts";
import type { ForeignFirewalls } from "../foreign-firewalls.ts";
import { droppers } from "./droppers.ts";
import { decodeBridge } from "./elements.ts";
import { type Mending, mendingOf, type Place, PLACES, placeName, sameTable, wantedPlaces } from "./foreign-places.ts";
import { refusal } from "./refusal.ts";
import { TABLE } from "./skeleton.ts";

const MARK = hex(LET_THROUGH_MARK);
const WITHOUT_MARK = hex(0xffff_ffff - LET_THROUGH_MARK);
const MARKING = { ...TABLE, chain: "let_through" } as const;
const UNMARKING = { ...TABLE, chain: "let_through_end" } as const;
const RULES = { [MARKING.chain]: 4, [UNMARKING.chain]: 1 };
/** Bridges of others that are nevertheless ways out: a default route leads through them. */
const WAYS_OUT = { ...TABLE, set: "ways_out" } as const;
/** strerror(EPERM), as the library shows it. */
const NOT_PERMITTED = "Operation not permitted";

/** The set and the chains, made or emptied. */
const EMPTY = `
add set inet wharf ways_out { type ifname; }
add chain inet wharf let_through { type filter hook forward priority -1; policy accept; }
add chain inet wharf let_through_end { type filter hook forward priority 1000; policy accept; }
flush set inet wharf ways_out
flush chain inet wharf let_through
flush chain inet wharf let_through_end
`;

/**
 * Before the first who looks at the mark, and behind the last: nobody else sees it. What goes to a bridge of others is their business. Frames
 * inside a bridge are seen here where the kernel shows them, also on a segment beyond the host, whose bridge is not among ours.
 */
function marks(waysOut: readonly string[]): string {
	const elements =
		waysOut.length === 0 ? "" : `add element inet wharf ways_out { ${waysOut.map((name) => `"${name}"`).join(", ")} }`;
	return `
${EMPTY}
${elements}
table inet wharf {
	chain let_through {
		oifname @bridges meta mark set meta mark | ${MARK}
		iifname @bridges oifname @ways_out meta mark set meta mark | ${MARK}
		iifname . oifname @connected meta mark set meta mark | ${MARK}
		iifname @bridges meta oifkind != "bridge" meta mark set meta mark | ${MARK}
	}
	chain let_through_end {
		meta mark & ${MARK} == ${MARK} meta mark set meta mark & ${WITHOUT_MARK}
	}
}
`;
}

const NO_MARKS = `
${EMPTY}
delete chain inet wharf let_through
delete chain inet wharf let_through_end
delete set inet wharf ways_out
`;

interface Plan {
	readonly marks: "made" | "removed" | undefined;
	readonly mendings: readonly Mending[];
	readonly waysOut: readonly string[];
}

export class LinuxForeignFirewalls implements ForeignFirewalls, Disposable {
	readonly #nft: Nft;
	readonly #tables: NfTables;
	readonly #log: Log;
	readonly #host: string | undefined;

	constructor(log: Log, host?: string) {
		this.#nft = Nft.open(host);
		this.#tables = NfTables.open(host);
		this.#log = log;
		this.#host = host;
	}

	letThrough(): Difference {
		return refusal("have other programs' packet rules let containers' packets through", () =>
			this.#follow(this.#plan()),
		);
	}

	withdraw(): Difference {
		return refusal("take wharf's rule out of other programs' packet rules", () => this.#follow(this.#planFor([])));
	}

	isLetThrough(): boolean {
		return refusal("look at other programs' packet rules", () => {
			const { marks: made, mendings } = this.#plan();
			return made === undefined && mendings.length === 0;
		});
	}

	observe(): readonly string[] {
		return refusal("look at other programs' packet rules", () =>
			this.#present()
				.filter(([, rules]) => rules.some(isLetThrough))
				.map(([place]) => placeName(place)),
		);
	}

	[Symbol.dispose](): void {
		this.#nft[Symbol.dispose]();
		this.#tables[Symbol.dispose]();
	}

	#plan(): Plan {
		const there = PLACES.filter((place) => this.#tables.hasChain(place));
		if (there.length === 0) return this.#planFor([]);
		return this.#planFor(wantedPlaces(droppers(this.#host, (base) => there.some((place) => sameTable(place, base)))));
	}

	#planFor(wanted: readonly Place[]): Plan {
		const mendings = this.#present().flatMap(([place, rules]) => mendingOf(place, rules, wanted.includes(place)) ?? []);
		const waysOut = wanted.length === 0 ? [] : this.#waysOut();
		const marks =
			wanted.length === 0 ? (this.#hasMarks() ? "removed" : undefined) : this.#isMarked(waysOut) ? undefined : "made";
		return { marks, mendings, waysOut };
	}

	/** Their rule is there only while the marks are. */
	#follow({ marks: made, mendings, waysOut }: Plan): Difference {
		if (made === "made") {
			this.#nft.run(marks(waysOut));
			killPoint("netd.foreign.marked");
		}
		const done = mendings.filter((mending) => this.#mend(mending));
		if (made === "removed") {
			this.#nft.run(NO_MARKS);
			killPoint("netd.foreign.unmarked");
		}
		const names = (which: Mending["change"]): string[] =>
			done.filter(({ change }) => change === which).map(({ place }) => placeName(place));
		return { added: names("added"), removed: names("removed") };
	}

	/** False where the table is its program's alone (firewalld's from 2.1 on): what is elsewhere is mended all the same. */
	#mend({ commands, place, change }: Mending): boolean {
		try {
			this.#nft.run(commands.join("\n"));
		} catch (error) {
			if (!(error instanceof NftError) || !error.message.includes(NOT_PERMITTED)) throw error;
			return false;
		}
		killPoint("netd.foreign.mended");
		this.#log.change(`foreign-rule.${change}`, { place: placeName(place) });
		return true;
	}

	#present(): [Place, ListedRule[]][] {
		return PLACES.filter((place) => this.#tables.hasChain(place)).map((place) => [place, rulesIn(this.#nft, place)]);
	}

	#hasMarks(): boolean {
		return this.#tables.hasChain(MARKING) || this.#tables.hasChain(UNMARKING);
	}

	#isMarked(waysOut: readonly string[]): boolean {
		const isWhole = [MARKING, UNMARKING].every(
			(chain) => this.#tables.findChain(chain)?.rules.length === RULES[chain.chain],
		);
		if (!isWhole) return false;
		const present = this.#tables.list(WAYS_OUT).map(({ key }) => decodeBridge(key) as string);
		return present.toSorted().join() === waysOut.toSorted().join();
	}

	#waysOut(): string[] {
		using rtnl = Rtnetlink.open(this.#host);
		const bridges = new Map<number, IfName>(
			rtnl.links.list({ kind: "bridge" }).map(({ index, name }) => [index, name] as const),
		);
		const through: string[] = rtnl.routes
			.list()
			.filter(({ table, destination }) => table === TABLE_MAIN && destination.prefix === 0)
			.flatMap(({ nexthops }) => nexthops.map(({ link }) => bridges.get(link ?? 0)))
			.filter((name) => name !== undefined)
			// A quotation mark would end the name in nft's language.
			.filter((name) => !name.includes('"'));
		return [...new Set(through)];
	}
}
