import { expect, test } from "vitest";
import { parseGatewayPriority, parseNetwork } from "./networks.ts";

const wish = { network: "front", addresses: [], aliases: [], gatewayPriority: 0 };

test.each([
	["front", wish],
	["name=front", wish],
	["name=front,gw-priority=-3", { ...wish, gatewayPriority: -3 }],
	["ip=10.0.0.9,name=front,ip6=fd00::9", { ...wish, addresses: ["10.0.0.9", "fd00::9"] }],
	["name=front,alias=a,alias=b", { ...wish, aliases: ["a", "b"] }],
])("%s", (text, expected) => expect(parseNetwork(text)).toEqual(expected));

test.each([
	"alias=a",
	"name=",
	"name=a,name=b",
	"name=a,gw-priority=1,gw-priority=2",
	"name=a,b",
	"name=a,mac=1",
	"a=b",
])("%j is refused with what is allowed", (text) =>
	expect(() => parseNetwork(text)).toThrow(/^The network ".*" is not valid: it has to be /),
);

test.each(["", "1.5", "1e3", "2147483648", "-2147483649", "high"])("%j is no priority", (text) =>
	expect(() => parseGatewayPriority(text)).toThrow(/^The gateway priority ".*" is not valid: it has to be a whole/),
);
