/**
 * The numbers of the DNS protocol that this service knows by name (IANA "Domain Name System Parameters").
 */

export const HEADER_BYTES = 12;

/** The second 16 bits of a header, RFC 1035 §4.1.1 and RFC 4035 §3.2. */
export const FLAG = {
	response: 0x8000,
	opcode: 0x7800,
	authoritative: 0x0400,
	truncated: 0x0200,
	recursionDesired: 0x0100,
	recursionAvailable: 0x0080,
	authenticData: 0x0020,
	checkingDisabled: 0x0010,
	rcode: 0x000f,
} as const;

export const RCODE = {
	NOERROR: 0,
	FORMERR: 1,
	SERVFAIL: 2,
	NXDOMAIN: 3,
	NOTIMP: 4,
	REFUSED: 5,
	/** More than the header's four bits: the upper ones are in the OPT record (RFC 6891 §6.1.3). */
	BADVERS: 16,
} as const;

export const CLASS_IN = 1;

export const TYPE = {
	A: 1,
	NS: 2,
	CNAME: 5,
	SOA: 6,
	PTR: 12,
	HINFO: 13,
	MX: 15,
	TXT: 16,
	AAAA: 28,
	SRV: 33,
	NAPTR: 35,
	OPT: 41,
	DS: 43,
	SVCB: 64,
	HTTPS: 65,
	TKEY: 249,
	AXFR: 252,
	ANY: 255,
	CAA: 257,
} as const;

type TypeName = keyof typeof TYPE;

/** The number of a type by its name in any case; undefined when it has none here. */
export function findType(name: string): number | undefined {
	const upper = name.toUpperCase();
	return Object.hasOwn(TYPE, upper) ? TYPE[upper as TypeName] : undefined; // hasOwn has just said that it is one
}

/** What we take over UDP, and send at most: both ends are on one loopback, so nothing is fragmented. */
export const UDP_BYTES = 4096;
/** What a client takes that says nothing about it (RFC 1035 §4.2.1). */
export const PLAIN_UDP_BYTES = 512;
/** The length prefix of a message over TCP has 16 bits. */
export const TCP_BYTES = 65_535;
