/** A file system stops as at a power cut: what its journal has not committed never was. */
import { closeSync, openSync } from "node:fs";
import { ioctl, requestNumber } from "#lib/linux/ioctl.ts";

/** EXT4_IOC_SHUTDOWN, as XFS's: `_IOR('X', 125, __u32)` of <linux/ext4.h>, though the kernel reads it. */
const SHUTDOWN = requestNumber("read", 0x58, 125, 4);
const WITHOUT_FLUSHING_THE_LOG = 2;

/** Whoever uses it gets EIO from now on; mounted again, it is what was on the disk. */
export function cutOff(path: string): void {
	const fd = openSync(path, "r");
	try {
		ioctl(fd, SHUTDOWN, new Uint8Array(Uint32Array.of(WITHOUT_FLUSHING_THE_LOG).buffer));
	} finally {
		closeSync(fd);
	}
}
