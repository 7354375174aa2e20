/** Requests that are right but for a few fields: the values, and how they get in. */

/** Numbers from 0 up to, and without, `end`; a linear congruence is random enough to choose fields with. */
export class Choice {
	#state: number;

	constructor(seed: number) {
		this.#state = seed;
	}

	below(end: number): number {
		this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
		return Math.floor((this.#state / 2 ** 32) * end);
	}

	of<T>(values: readonly T[]): T {
		const value = values[this.below(values.length)];
		if (value === undefined) throw new RangeError("nothing to choose from");
		return value;
	}
}

export const PREFIX = "com.docker.network.";
export const TEXTS = [
	...["", " ", ".", "..", "-", "a b", "a/b", "../../etc", "\u0000", "\n", "💥", "é", "%d", "__proto__", "constructor"],
	...["x".repeat(64), "x".repeat(129), "x".repeat(100_000), "0", "-1", "1e3", "NaN", "true", "null", "{}", "'; --"],
	...["web", "bridge", "host", "none", "a", "lo", "all", "eth0", "wh-0123456789ab"],
	...["0.0.0.0", "10.0.0.1", "10.0.0.999", "010.0.0.1", "255.255.255.255", "224.0.0.1", "127.0.0.1", "10.77.0.9"],
	...["::", "::1", "fe80::1%eth0", "ff02::1", "fd00::/64", "fd00:77::9", "10.77.0.0/16", "10.0.0.0/0", "10.0.0.0/33"],
	...["10.0.0.1/8", "10.0.0.0/31", "::/0", "fd00:7::/64", "10.61.2.0/24"],
	...["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "02:42:0a:00:00", "02:42:0a:00:00:0g"],
	...["net.ipv4.conf.IFNAME.log_martians=1", "net.ipv4.conf.IFNAME.none=1", "net.ipv4.conf.all.log_martians=1"],
];
const KEYS = [
	...["bridge.name", "driver.mtu", "bridge.enable_icc", "bridge.host_binding_ipv4", "host_ipv4", "host_ipv6"],
	...["container_iface_prefix", "container_interface_prefix", "bridge.inhibit_ipv4", "endpoint.ifname"],
	...["endpoint.sysctls", "endpoint.none", ""],
].map((key) => PREFIX + key);
export const NUMBERS = [0, 1, 80, 8080, 65_535, 65_536, 2 ** 31 - 1];

/** A value of the same kind that is most likely wrong there. */
function spoilt(value: unknown, choice: Choice): unknown {
	if (typeof value === "string") {
		return value.startsWith("PROTOCOL") ? choice.of(["PROTOCOL_TCP", "PROTOCOL_UDP"]) : choice.of(TEXTS);
	}
	if (typeof value === "number") return choice.of(NUMBERS);
	if (typeof value === "boolean") return !value;
	return Array.isArray(value) ? spoiltList(value, choice) : spoiltMap(value as Record<string, unknown>, choice);
}

function spoiltList(list: readonly unknown[], choice: Choice): unknown[] {
	const [first] = list;
	if (first === undefined) return [];
	switch (choice.below(8)) {
		case 0:
			return [];
		case 1:
			return [...list, ...list];
		case 2:
			return typeof first === "string" ? [...list, choice.of(TEXTS)] : [...list, first];
		default: {
			const at = choice.below(list.length);
			return list.map((value, index) => (index === at ? spoilt(value, choice) : value));
		}
	}
}

/** A message, of which a field changes, or a map, which has another entry. */
function spoilMessage(message: Record<string, unknown>, choice: Choice): Record<string, unknown> {
	const field = choice.of(Object.keys(message));
	return { ...message, [field]: spoilt(message[field], choice) };
}

function spoiltMap(value: Record<string, unknown>, choice: Choice): Record<string, unknown> {
	const isMap = Object.keys(value).every((key) => key.includes("."));
	if (!isMap) return spoilMessage(value, choice);
	return { ...value, [choice.below(3) === 0 ? choice.of(TEXTS) : choice.of(KEYS)]: choice.of(TEXTS) };
}

export function spoil<T extends object>(message: T, choice: Choice): T {
	let result = { ...message } as Record<string, unknown>;
	for (let count = choice.of([1, 1, 1, 2, 3]); count > 0; count -= 1) result = spoilMessage(result, choice);
	return result as T; // fields keep their kinds
}
