import { DnsServiceService } from "#gen/wharf/dns/v1/dns.ts";
import { count } from "../output/quantity.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";

export default command({
	name: "dns flush",
	summary:
		"Forgets the answers of upstream resolvers, so that each is asked for again. Containers' names are not kept, and stay.",
	operands: "",
	minOperands: 0,
	maxOperands: 0,
	flags: {},
	async run({ terminal }) {
		using dnsd = connect(terminal.paths, "dnsd", DnsServiceService);
		const { entries } = await dnsd.flushCache({});
		await terminal.out(`Forgot ${count(Number(entries), "answer")}.\n`);
		return 0;
	},
});
