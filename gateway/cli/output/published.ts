/** Published ports as Docker prints them: `0.0.0.0:8080->80/tcp`, ranges folded. */

/** The part of a port that is printed; the contract's `Port` fits. */
export interface Published {
	readonly protocol: string;
	readonly hostAddress: string;
	readonly hostPort: number;
	readonly containerPort: number;
}

export function protocolWord(protocol: string): string {
	if (protocol.endsWith("SCTP")) return "sctp";
	return protocol.endsWith("UDP") ? "udp" : "tcp";
}

/** `0.0.0.0:8080`, `[::1]:8080`; of a port that has none of the host's, as on a routed network, what there is to say. */
export function hostSide({ hostAddress, hostPort }: Pick<Published, "hostAddress" | "hostPort">): string {
	if (hostPort === 0) return "the container's own address";
	const address = hostAddress === "" ? "0.0.0.0" : hostAddress;
	return `${address.includes(":") ? `[${address}]` : address}:${hostPort}`;
}

/** One line for `ps`: neighbours in both ports become one range. */
export function publishedLine(ports: readonly Published[]): string {
	const sorted = ports.toSorted(
		(a, b) =>
			a.protocol.localeCompare(b.protocol) ||
			a.hostAddress.localeCompare(b.hostAddress) ||
			a.containerPort - b.containerPort ||
			a.hostPort - b.hostPort,
	);
	const runs: { first: Published; length: number }[] = [];
	for (const port of sorted) {
		const run = runs.at(-1);
		if (run !== undefined && continues(run, port)) run.length++;
		else runs.push({ first: port, length: 1 });
	}
	return runs.map(({ first, length }) => folded(first, length)).join(", ");
}

function continues({ first, length }: { first: Published; length: number }, port: Published): boolean {
	return (
		port.protocol === first.protocol &&
		port.hostAddress === first.hostAddress &&
		port.hostPort === (first.hostPort === 0 ? 0 : first.hostPort + length) &&
		port.containerPort === first.containerPort + length
	);
}

function folded(first: Published, length: number): string {
	const range = (port: number): string => (length === 1 ? `${port}` : `${port}-${port + length - 1}`);
	if (first.hostPort === 0) return `${range(first.containerPort)}/${protocolWord(first.protocol)}`;
	const host = hostSide(first);
	const address = host.slice(0, host.lastIndexOf(":"));
	return `${address}:${range(first.hostPort)}->${range(first.containerPort)}/${protocolWord(first.protocol)}`;
}
