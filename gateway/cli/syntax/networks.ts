/** `--network` as Docker has it: a name, or `name=front,alias=web,ip=172.20.0.9,ip6=fd00::9,gw-priority=1`. */
import { syntaxFaults } from "./faults.ts";

export interface NetworkWish {
	readonly network: string;
	readonly addresses: string[];
	readonly aliases: string[];
	readonly gatewayPriority: number;
}

const ALLOWED = "a network's name, or name=NETWORK and after commas alias=, ip=, ip6= or gw-priority=";
const MAX_INT32 = 2 ** 31 - 1;

export function parseNetwork(text: string): NetworkWish {
	if (!text.includes("=")) return { network: text, addresses: [], aliases: [], gatewayPriority: 0 };
	const fields = text.split(",").map((field) => {
		const at = field.indexOf("=");
		return [field.slice(0, Math.max(at, 0)), field.slice(at + 1)] as const;
	});
	const values = (key: string): string[] => fields.filter(([name]) => name === key).map(([, value]) => value);
	const known = new Set(["name", "alias", "ip", "ip6", "gw-priority"]);
	const [network, second] = values("name");
	const [priority, another] = values("gw-priority");
	const isWrong = fields.some(([key, value]) => !known.has(key) || value === "");
	if (isWrong || network === undefined || second !== undefined || another !== undefined) throw invalid(text);
	return {
		network,
		addresses: [...values("ip"), ...values("ip6")],
		aliases: values("alias"),
		gatewayPriority: priority === undefined ? 0 : parseGatewayPriority(priority),
	};
}

/** A whole number of 32 bits, which may be negative. */
export function parseGatewayPriority(text: string): number {
	const value = Number(text);
	if (!/^-?\d{1,10}$/.test(text) || value > MAX_INT32 || value < -MAX_INT32 - 1) {
		const allowed = `a whole number from ${-MAX_INT32 - 1} to ${MAX_INT32}`;
		throw syntaxFaults.INVALID_VALUE({ what: "The gateway priority", value: text, allowed }, { field: "networks" });
	}
	return value;
}

function invalid(value: string) {
	return syntaxFaults.INVALID_VALUE({ what: "The network", value, allowed: ALLOWED }, { field: "networks" });
}
