/** `-p` as Docker has it: `80`, `8080:80`, `8000-8003:80-83`, `8000-8010:80`, `127.0.0.1:8080:80`, `127.0.0.1::80`, `[::1]:8080:80`, `…/udp`, `…/sctp`. */
import { syntaxFaults } from "./faults.ts";

const TRANSPORTS = ["tcp", "udp", "sctp"] as const;
export type Transport = (typeof TRANSPORTS)[number];

export interface PortWish {
	readonly protocol: Transport;
	/** Empty: every address of the host. */
	readonly hostAddress: string;
	/** 0: a free one. */
	readonly hostPort: number;
	/** One from `hostPort` to this will do; 0: `hostPort` itself. */
	readonly hostPortEnd: number;
	readonly containerPort: number;
}

const FORM =
	/^(?:(?:(?<bracketed>\[[^\]]*\])|(?<address>[^:[\]]*)):(?=[^:]*:))?(?:(?<host>[^:]*):)?(?<container>[^:]+)$/;
const ALLOWED =
	"CONTAINER, HOST:CONTAINER, ADDRESS:HOST:CONTAINER or ADDRESS::CONTAINER, each a port or a range, with /tcp, /udp or /sctp behind";

/** A range is one wish a port; one of the host's for one port of the container's is one wish, whichever of them is free. */
export function parsePorts(text: string): PortWish[] {
	const slash = text.lastIndexOf("/");
	const word = slash < 0 ? "tcp" : text.slice(slash + 1).toLowerCase();
	const protocol = TRANSPORTS.find((transport) => transport === word);
	if (protocol === undefined) throw invalid(text, "a port with /tcp, /udp or /sctp behind it");
	const groups = FORM.exec(slash < 0 ? text : text.slice(0, slash))?.groups;
	if (groups?.["container"] === undefined) throw invalid(text, ALLOWED);
	const container = range(text, groups["container"]);
	const host =
		groups["host"] === undefined || groups["host"] === ""
			? undefined
			: hostRange(text, groups["host"], container.length);
	const isChoice = host !== undefined && host.length > 1 && container.length === 1;
	if (host !== undefined && host.length !== container.length && !isChoice) {
		throw invalid(text, "one with as many ports of the host as of the container, or one of the container");
	}
	const hostPortEnd = isChoice ? (host.at(-1) ?? 0) : 0;
	const hostAddress = groups["bracketed"]?.slice(1, -1) ?? groups["address"] ?? "";
	return container.map((containerPort, index) => ({
		protocol,
		hostAddress,
		hostPort: host?.[index] ?? 0,
		hostPortEnd,
		containerPort,
	}));
}

/** `80` or `80/tcp`, as `wharf port` is asked. */
export function parseContainerPort(text: string): { protocol: Transport; containerPort: number } {
	const [wish, more] = text.includes(":") ? [] : parsePorts(text);
	if (wish === undefined || more !== undefined)
		throw invalid(text, "a port from 1 to 65535, with /tcp, /udp or /sctp behind");
	return wish;
}

/** 0 is any free one. */
function hostRange(whole: string, text: string, count: number): number[] {
	return text === "0" ? Array.from({ length: count }, () => 0) : range(whole, text);
}

function range(whole: string, text: string): number[] {
	const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text) ?? [];
	const [from, to] = [Number(first), Number(last)];
	if (first === undefined || from < 1 || to > 65_535 || to < from) {
		throw invalid(whole, "made of ports from 1 to 65535, the lower end of a range first");
	}
	return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function invalid(value: string, allowed: string) {
	return syntaxFaults.INVALID_VALUE({ what: "The port", value, allowed }, { field: "ports" });
}
