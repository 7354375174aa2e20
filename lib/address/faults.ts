/** What is refused when text is to become an address, a range, a link-layer address or an interface's name. */
import { catalogue } from "#lib/fault/catalogue.ts";

export const addressFaults = catalogue("address", {
	INVALID_ADDRESS: {
		code: "INVALID_ARGUMENT",
		message: (m: { text: string }) => `${quoted(m.text)} is not an IP address.`,
		help: () => "Write it as 192.168.1.2 or fd00::2, without a prefix length, a port, a zone or leading zeros.",
	},
	INVALID_CIDR: {
		code: "INVALID_ARGUMENT",
		message: (m: { text: string }) => `${quoted(m.text)} is not an address with a prefix length.`,
		help: () => "Write it as 172.20.0.0/16 or fd00:1::/64.",
	},
	HOST_BITS_SET: {
		code: "INVALID_ARGUMENT",
		message: (m: { text: string; network: string }) =>
			`${quoted(m.text)} is an address inside a range, not a range: bits behind its prefix are set.`,
		help: (m) => `The range is ${m.network}.`,
	},
	INVALID_RANGE: {
		code: "INVALID_ARGUMENT",
		message: (m: { text: string }) => `${quoted(m.text)} is no range: its last address is not behind its first.`,
		help: () => "Write the lower address first, and both of one family, as 172.20.0.10-172.20.0.50.",
	},
	INVALID_MAC: {
		code: "INVALID_ARGUMENT",
		message: (m: { text: string }) => `${quoted(m.text)} is not the link-layer address of an interface.`,
		help: () =>
			"Write six pairs of hexadecimal digits as 02:42:ac:11:00:02; the first pair is even, and not all are 00.",
	},
	INVALID_INTERFACE_NAME: {
		code: "INVALID_ARGUMENT",
		message: (m: { text: string }) => `${quoted(m.text)} is not the name of a network interface.`,
		help: () => 'Use 1 to 15 bytes without spaces, slashes, colons and percent signs; neither "." nor "..".',
	},
});

const LONGEST_QUOTE = 80;

/** Untrusted text in a sentence: control characters escaped, and never longer than a line. */
function quoted(text: string): string {
	return JSON.stringify(text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text);
}
