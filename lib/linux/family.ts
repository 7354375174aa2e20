/** Address families: ours are 4 and 6, the kernel's are AF_INET and AF_INET6. */
import type { Family } from "#lib/address/ip.ts";

export const AF_INET = 2;
export const AF_INET6 = 10;

export function kernelFamily(family: Family): typeof AF_INET | typeof AF_INET6 {
	return family === 4 ? AF_INET : AF_INET6;
}
