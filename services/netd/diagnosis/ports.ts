/** Whether published ports are netd's, and stay so while it is started again. */
import type { PortRange } from "../kernel/host-facts.ts";
import { portText } from "../port.ts";
import { commandLine, type Finding } from "./finding.ts";
import type { PublishedPort, Situation } from "./situation.ts";

const SETTING = "net.ipv4.ip_local_reserved_ports";
/** So many are named in a sentence. */
const NAMED = 5;

export function checkPorts({ host, ports }: Situation): Finding[] {
	return [...ports.flatMap(taken), ...inEphemeral(host.ephemeral, ports)];
}

function taken(port: PublishedPort): Finding[] {
	const { protocol, hostPort, container, takenBy } = port;
	if (takenBy === undefined) return [];
	return [
		{
			severity: "error",
			code: "PORT_TAKEN",
			sentence: `The port ${portText(port)} is published for ${container}, and ${takenBy} has taken it while netd was away.`,
			advice: "End that program, or have it use another port: netd takes the port again by itself.",
			commands: [commandLine("ss", "-Hnp", protocol === "tcp" ? "-lt" : "-lu", `sport = :${hostPort}`)],
			metadata: { port: portText(port), container, holder: takenBy },
		},
	];
}

/** While netd runs it has them; while it does not, a connection may be given one as its own end. */
function inEphemeral(
	{ first, last, kept }: PortRange & { readonly kept: readonly PortRange[] },
	ports: readonly PublishedPort[],
): Finding[] {
	const within = (port: number, range: PortRange): boolean => range.first <= port && port <= range.last;
	const numbers = ports
		.map(({ hostPort }) => hostPort)
		.filter((port) => within(port, { first, last }) && !kept.some((range) => within(port, range)));
	const at = [...new Set(numbers)].sort((a, b) => a - b);
	if (at.length === 0) return [];
	const more = at.length > NAMED ? ` and ${at.length - NAMED} more` : "";
	const reserved = [
		...kept.map((range) => (range.first === range.last ? `${range.first}` : `${range.first}-${range.last}`)),
		...at,
	];
	return [
		{
			severity: "info",
			code: "PORTS_IN_EPHEMERAL_RANGE",
			sentence: `Published ports are in the range ${first} to ${last}, out of which connections are given theirs: ${at.slice(0, NAMED).join(", ")}${more}. One may be taken while netd is started again.`,
			advice: "Keep them out of the range, or publish at lower ports.",
			commands: [commandLine("sysctl", "-w", `${SETTING}=${reserved.join(",")}`)],
			metadata: { ports: at.join(","), first: String(first), last: String(last), setting: SETTING },
		},
	];
}
