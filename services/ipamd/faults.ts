/** What ipamd refuses. The contract's error tables (proto/wharf/ipam/v1) repeat this for other languages. */
import { catalogue } from "#lib/fault/catalogue.ts";

export const ipamFaults = catalogue("ipamd", {
	POOLS_EXHAUSTED: {
		code: "RESOURCE_EXHAUSTED",
		message: (m: { wanted: string; pools: string; allocated: string; holders: string; blocked: string }) =>
			`No pool has ${m.wanted} left. Tried: ${m.pools}. Allocated: ${m.allocated}${m.holders}. ` +
			`Taken by this host's own routes, addresses and nameservers: ${m.blocked}.`,
		help: () =>
			"Remove networks that nobody needs, ask for a subnet yourself, or widen the pools: WHARF_IPAMD_ADDRESS_POOLS, or ipamd.addressPools in the settings file.",
	},
	SUBNET_OVERLAPS: {
		code: "ALREADY_EXISTS",
		message: (m: { subnet: string; other: string; holder: string; owner: string }) =>
			`${m.subnet} overlaps ${m.other}, which ${m.holder} holds for ${m.owner}.`,
		help: () => "Choose another subnet, or leave it out to get a free one.",
	},
	SUBNET_TOO_SMALL: {
		code: "INVALID_ARGUMENT",
		message: (m: { subnet: string }) =>
			`${m.subnet} has no room for a container: nothing is left beside the gateway and what is reserved.`,
		help: () => "Use a shorter prefix, as /24 or /64.",
	},
	SUBNET_TOO_LARGE: {
		code: "INVALID_ARGUMENT",
		message: (m: { subnet: string; shortest: string }) =>
			`${m.subnet} is larger than a subnet can be: the shortest prefix is /${m.shortest}.`,
		help: () => "Use a longer prefix, as /24 or /64.",
	},
	SUBNET_UNUSABLE: {
		code: "INVALID_ARGUMENT",
		message: (m: { subnet: string; other: string; purpose: string }) =>
			`${m.subnet} overlaps ${m.other}, which is ${m.purpose}: no container can be reached there.`,
		help: () => "Use a private subnet, as 10.20.0.0/24 or fd00:20::/64.",
	},
	SUBNET_REQUIRED: {
		code: "INVALID_ARGUMENT",
		message: () => "A range, a gateway or auxiliary addresses were given without the subnet that they are in.",
		help: () => "Give the subnet as well, or leave all of them out.",
	},
	OUTSIDE_SUBNET: {
		code: "INVALID_ARGUMENT",
		message: (m: { what: string; value: string; subnet: string }) => `${m.what} ${m.value} is not inside ${m.subnet}.`,
		help: (m) => `Choose one inside ${m.subnet}.`,
	},
	ADDRESS_RESERVED: {
		code: "INVALID_ARGUMENT",
		message: (m: { address: string; subnet: string; as: string }) => `${m.address} is ${m.as} of ${m.subnet}.`,
		help: () => "Choose another address, or none to get a free one.",
	},
	ADDRESS_TWICE: {
		code: "INVALID_ARGUMENT",
		message: (m: { address: string; first: string; second: string }) =>
			`${m.address} was given as ${m.first} and as ${m.second}.`,
		help: () => "Give each address once.",
	},
	FAMILY_MISMATCH: {
		code: "INVALID_ARGUMENT",
		message: (m: { value: string; family: string }) => `${m.value} is not IPv${m.family}, which was asked for.`,
		help: () => "Make the family and the address agree, or leave the family out.",
	},
	ADDRESS_SPACE_UNKNOWN: {
		code: "INVALID_ARGUMENT",
		message: (m: { space: string }) =>
			`There is no address space ${JSON.stringify(m.space)}; there are local and global.`,
	},
	ADDRESS_SPACE_UNAVAILABLE: {
		code: "FAILED_PRECONDITION",
		message: () => "The address space global is several hosts' together, and this host is alone.",
		help: () => "Use the address space local.",
	},
	SUBNET_ID_REQUIRED: {
		code: "INVALID_ARGUMENT",
		message: () => "Nothing says of which subnet an address is wanted.",
		help: () => "Name at least one subnet in each wish, and make at least one wish.",
	},
	SUBNET_TWICE: {
		code: "INVALID_ARGUMENT",
		message: (m: { id: string }) => `The subnet ${m.id} is named twice, and an owner has one address of a subnet.`,
		help: () => "Name each subnet in one wish, once.",
	},
	TOO_MANY_WISHES: {
		code: "INVALID_ARGUMENT",
		message: (m: { what: string; most: string }) => `These are too many ${m.what}: ${m.most} are taken in one call.`,
		help: () => "Ask in several calls.",
	},
	TOO_MANY_HOLDINGS: {
		code: "INVALID_ARGUMENT",
		message: (m: { what: string; most: string }) => `These are too many ${m.what}: ${m.most} are taken in one call.`,
		help: () => "Release them in several calls.",
	},
	WATCH_TOO_SLOW: {
		code: "RESOURCE_EXHAUSTED",
		message: () => "The watch was ended: its reader is too far behind.",
		help: () => "Watch again: it begins with everything as it is.",
	},
	INVALID_IDENTIFIER: {
		code: "INVALID_ARGUMENT",
		message: (m: { what: string; allowed: string }) => `The ${m.what} is missing or malformed: it is ${m.allowed}.`,
	},
	INVALID_PAGE_TOKEN: {
		code: "INVALID_ARGUMENT",
		message: () => "The page token is not one that ipamd gave.",
		help: () => "Begin again without a token.",
	},
	SUBNET_NOT_FOUND: {
		code: "NOT_FOUND",
		message: (m: { id: string }) => `There is no subnet ${m.id}.`,
		help: () => "List the subnets to see what there is.",
	},
	SUBNET_IN_USE: {
		code: "FAILED_PRECONDITION",
		message: (m: { subnet: string; count: string; owners: string }) =>
			`${m.subnet} cannot be released: ${m.count} of its addresses are leased (${m.owners}).`,
		help: () => "Release the leases first: disconnect what is on the network.",
	},
	NOT_THE_HOLDER: {
		code: "PERMISSION_DENIED",
		message: (m: { subnet: string; holder: string; asked: string }) =>
			`${m.subnet} is held by ${m.holder}; ${m.asked} cannot release it.`,
		help: (m) => `Ask ${m.holder}.`,
	},
	SUBNET_EXHAUSTED: {
		code: "RESOURCE_EXHAUSTED",
		message: (m: { pool: string; subnets: string; size: string; holders: string }) =>
			`${m.pool} ${m.subnets === "1" ? "has" : "have"} no free address: all ${m.size} are leased (${m.holders}).`,
		help: () => "Remove containers that nobody needs, or make a network with a shorter prefix.",
	},
	ADDRESS_IN_USE: {
		code: "ALREADY_EXISTS",
		message: (m: { address: string; holder: string; owner: string; name: string }) =>
			`${m.address} is in use by ${m.name === "" ? ownerText(m) : m.name}.`,
		help: (m) =>
			`Choose another address, or none to get a free one${m.name === "" ? "" : `; or take ${m.name} off the network first`}.`,
	},
	OWNER_HAS_ANOTHER: {
		code: "FAILED_PRECONDITION",
		message: (m: { owner: string; address: string; asked: string; subnet: string }) =>
			`${m.owner} has ${m.address} of ${m.subnet} already and cannot have ${m.asked} as well.`,
		help: (m) => `Release ${m.address} first.`,
	},
});

function ownerText({ holder, owner }: { readonly holder: string; readonly owner: string }): string {
	// Ids are for programs: a person knows one by its beginning, as lists show it.
	const shown = /^[0-9a-f]{64}$/.test(owner) ? owner.slice(0, 12) : owner;
	return holder === "" ? shown : `${shown}, for which ${holder} holds it`;
}
