/** What a container that is linked on `bridge` tells the linking one, as Docker's variables. Pure. Source: moby `daemon/links/links.go`. */
import type { ContainerRecord } from "./container.ts";

interface LinkView {
	readonly alias: string;
	readonly address: string;
	/** The linking container's. */
	readonly name: string;
	readonly other: Pick<ContainerRecord, "spec">;
}

/** Its address and ports, then the link's own name, then its environment but for what every container has. */
export function environmentOf({ alias, address, name, other }: LinkView): string[] {
	const prefix = alias.toUpperCase().replaceAll("-", "_");
	const ports = portsOf(other);
	const [first] = ports;
	const url = ({ port, protocol }: Exposed): string => `${protocol}://${address}:${port}`;
	const keyOf = ({ port, protocol }: Exposed): string => `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
	const each = ports.flatMap((one) => {
		const { port, protocol } = one;
		const key = keyOf(one);
		return [`${key}=${url(one)}`, `${key}_ADDR=${address}`, `${key}_PORT=${port}`, `${key}_PROTO=${protocol}`];
	});
	const ranges = rangesOf(ports).flatMap(([start, end]) => {
		const key = keyOf(start);
		const [from, to] = [`${key}_START=${url(start)}`, `${key}_END=${url(end)}`];
		return [from, `${key}_PORT_START=${start.port}`, to, `${key}_PORT_END=${end.port}`];
	});
	const theirs = other.spec.environment.filter((entry) => !/^(HOME|PATH)=/.test(entry));
	return [
		...(first === undefined ? [] : [`${prefix}_PORT=${url(first)}`]),
		...each,
		...ranges,
		`${prefix}_NAME=/${name}/${alias}`,
		...theirs.map((entry) => `${prefix}_ENV_${entry}`),
	];
}

interface Exposed {
	readonly port: number;
	readonly protocol: string;
}

/** The first and last of ports in a row, of one transport; a port alone is none. */
function rangesOf(ports: readonly Exposed[]): (readonly [start: Exposed, end: Exposed])[] {
	const ranges: [Exposed, Exposed][] = [];
	for (const one of ports) {
		const last = ranges.at(-1);
		const isNext = last?.[1].port === one.port - 1 && last[1].protocol === one.protocol;
		if (last !== undefined && isNext) last[1] = one;
		else ranges.push([one, one]);
	}
	return ranges.filter(([start, end]) => start !== end);
}

/** By number, TCP before others of the same. */
function portsOf({ spec }: Pick<ContainerRecord, "spec">): Exposed[] {
	const all = spec.ports.map(({ containerPort: port, protocol }) => ({
		port,
		protocol: protocol === "PROTOCOL_UNSPECIFIED" ? "tcp" : protocol.replace("PROTOCOL_", "").toLowerCase(),
	}));
	const order = (one: Exposed): string =>
		`${String(one.port).padStart(5, "0")}${one.protocol === "tcp" ? "" : one.protocol}`;
	return [...new Map(all.map((one) => [order(one), one])).entries()]
		.toSorted(([one], [other]) => (one < other ? -1 : 1))
		.map(([, one]) => one);
}
