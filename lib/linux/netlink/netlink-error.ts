import { LinuxError } from "../libc.ts";
import type { Verdict } from "./message.ts";

/** A netlink request that the kernel refused, with the kernel's own words where it had any. */
export class NetlinkError extends LinuxError {
	override readonly name = "NetlinkError";
	readonly kernelText: string | undefined;
	/** Where in the message the attribute at fault begins, counted from the message's header. */
	readonly offset: number | undefined;

	constructor(label: string, verdict: Verdict) {
		super(verdict.errno, label);
		this.kernelText = verdict.text;
		this.offset = verdict.offset;
		if (verdict.text !== undefined) this.message += `: ${verdict.text}`;
	}
}
