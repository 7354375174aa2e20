/** Fuzzing of both decoders, the clients' and the upstreams': the same packets with the same numbers. */
import { QUERIES, RESPONSES } from "./corpus.ts";
import { amissWithQuery, amissWithResponse } from "./judge.ts";
import { anyQuery, anyResponse, type Below } from "./packets.ts";

const TRANSPORTS = ["udp", "tcp"] as const;

/** The corpus as it is, over both transports; a line for each thing amiss. */
export function judgeCorpus(): string[] {
	return TRANSPORTS.flatMap((transport) => [
		...[...QUERIES, ...RESPONSES].flatMap(({ what, packet }) =>
			[true, false].map((forwards) => lineOf(amissWithQuery(packet, transport, forwards), what, packet)),
		),
		...RESPONSES.map((sample) =>
			lineOf(amissWithResponse(sample, sample.packet, transport), sample.what, sample.packet),
		),
	]).filter((line) => line !== undefined);
}

/** So many packets, three of four of them queries; what is amiss is reported with the bytes. */
export function fuzz(count: number, below: Below, report: (problem: string) => void): void {
	for (let round = 0; round < count; round++) {
		const transport = TRANSPORTS[below(2)] ?? "udp";
		const line = below(4) === 0 ? ofResponse(below, transport) : ofQuery(below, transport);
		if (line !== undefined) report(`packet ${round}: ${line}`);
	}
}

function ofQuery(below: Below, transport: "udp" | "tcp"): string | undefined {
	const packet = anyQuery(below);
	return lineOf(amissWithQuery(packet, transport, below(2) === 0), `a query over ${transport}`, packet);
}

function ofResponse(below: Below, transport: "udp" | "tcp"): string | undefined {
	const { sample, response } = anyResponse(below);
	return lineOf(amissWithResponse(sample, response, transport), `a response over ${transport}`, response);
}

function lineOf(problem: string | undefined, what: string, packet: Buffer): string | undefined {
	return problem === undefined ? undefined : `${problem}: ${what}: ${packet.toString("hex")}`;
}
