import { isIP } from "node:net";
import { ContainerServiceService } from "#gen/wharf/container/v1/container.ts";
import { DnsServiceService, type LookUpResponse } from "#gen/wharf/dns/v1/dns.ts";
import { isFault } from "#lib/fault/fault.ts";
import { askerOf } from "../asker.ts";
import { isJson, jsonLines } from "../format.ts";
import { connect } from "../requests.ts";
import { command } from "../syntax/command.ts";
import { syntaxFaults } from "../syntax/faults.ts";
import type { Terminal } from "../terminal.ts";

interface Answer extends LookUpResponse {
	readonly type: string;
}

export default command({
	name: "dns lookup",
	summary:
		"Says what a container would be answered, without asking anybody else. The exit status is 1 when there is no such name.",
	operands: "CONTAINER NAME [TYPE]",
	minOperands: 2,
	maxOperands: 3,
	flags: { format: { kind: "text", value: "FORMAT", help: "`json`: one JSON object for each type" } },
	examples: [
		["wharf dns lookup web db", "the addresses that web is told for db"],
		["wharf dns lookup web 172.18.0.3", "what that address is called"],
	],
	notes: [
		"The type is A and AAAA without one, and PTR for an address. A name is taken as it is: nothing is added to it from a search list.",
		"Other names than containers' are not asked for here: it says which resolvers would be.",
	],
	async run({ flags, operands: [container = "", name = "", type], terminal }) {
		const asJson = isJson(flags.format);
		const answers = await lookUp(container, name, type === undefined ? typesOf(name) : [type.toUpperCase()], terminal);
		await terminal.out(asJson ? jsonOf(name, answers) : textOf(container, name, answers));
		return answers.some(({ code }) => code === "NXDOMAIN") ? 1 : 0;
	},
});

function typesOf(name: string): readonly string[] {
	return isIP(name) === 0 ? ["A", "AAAA"] : ["PTR"];
}

async function lookUp(
	container: string,
	name: string,
	types: readonly string[],
	{ paths }: Terminal,
): Promise<readonly Answer[]> {
	using gateway = connect(paths, "gateway", ContainerServiceService);
	const { sandboxId } = await askerOf(gateway, container);
	using dnsd = connect(paths, "dnsd", DnsServiceService);
	try {
		return await Promise.all(types.map(async (type) => ({ type, ...(await dnsd.lookUp({ sandboxId, name, type })) })));
	} catch (error) {
		if (isFault(error, "SANDBOX_NOT_SERVED")) throw syntaxFaults.CONTAINER_WITHOUT_RESOLVER({ container });
		throw error;
	}
}

function jsonOf(name: string, answers: readonly Answer[]): string {
	return jsonLines(
		answers.map(({ type, code, data, upstreams }) => ({
			Name: name,
			Type: type,
			Code: code,
			Data: data,
			Upstreams: upstreams,
		})),
	);
}

/** A line for each record; a sentence where there is none. */
function textOf(container: string, name: string, answers: readonly Answer[]): string {
	const records = answers.flatMap(({ type, data }) => data.map((one) => `${type.padEnd(4)}  ${one}\n`));
	if (records.length > 0) return records.join("");
	const [{ code, upstreams } = { code: "", upstreams: [] }] = answers;
	switch (code) {
		case "NOERROR":
			return `${name} is there, and has no ${answers.map(({ type }) => type).join(" or ")} record.\n`;
		case "NXDOMAIN":
			return `There is no ${name} for ${container}.\n`;
		case "FORWARDED":
			return `${name} is no container's name for ${container}: ${elsewhere(upstreams)}.\n`;
		default:
			return `${code}\n`;
	}
}

function elsewhere(upstreams: readonly string[]): string {
	return upstreams.length === 0
		? "and there is no resolver to ask, so that it fails"
		: `${upstreams.join(", ")} would be asked`;
}
