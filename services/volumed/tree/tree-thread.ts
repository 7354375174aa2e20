/** The archiver's thread: one job after the other. */
import { parentPort } from "node:worker_threads";
import { keepCapabilities } from "#lib/linux/capabilities.ts";
import { CopyJob } from "./copy-job.ts";
import { failureOf, type TreeOrder, type TreeReply } from "./messages.ts";
import { ManifestJob } from "./manifest-job.ts";
import { PackJob } from "./pack-job.ts";
import { ReadJob } from "./read-job.ts";
import { StageJob } from "./stage-job.ts";
import { UnpackJob } from "./unpack-job.ts";

// What a tree needs that comes back as it was, and no mknod: no device can be made, whatever an archive says. SYS_ADMIN is for attributes of
// the trusted namespace, and for the mount through which a tree is read; SYS_PTRACE for what a container's processes have mapped.
keepCapabilities([
	"chown",
	"dac_override",
	"dac_read_search",
	"fowner",
	"fsetid",
	"setfcap",
	"sys_ptrace",
	"sys_admin",
]);

let job: PackJob | ManifestJob | ReadJob | UnpackJob | CopyJob | StageJob | undefined;

function tell(reply: TreeReply, transfer: ArrayBuffer[] = []): void {
	parentPort?.postMessage(reply, transfer);
}

function take(order: TreeOrder): void {
	try {
		if (order.kind === "pack") job = new PackJob(order, tell);
		else if (order.kind === "manifest") job = new ManifestJob(order, tell);
		else if (order.kind === "read") job = new ReadJob(order, tell);
		else if (order.kind === "unpack") job = new UnpackJob(order, tell);
		else if (order.kind === "copy") job = new CopyJob(order, tell);
		else if (order.kind === "stage") stages(new StageJob(order, tell));
		else if (order.kind === "drop") {
			drop();
			tell({ kind: "dropped" });
		} else if (job instanceof PackJob) packs(job, order);
		else if (job instanceof ManifestJob) lists(job, order);
		else if (job instanceof ReadJob) reads(job, order);
		else if (job instanceof UnpackJob) unpacks(job, order);
		else if (job instanceof CopyJob) copies(job, order);
	} catch (error) {
		fail(error);
	}
}

function fail(error: unknown): void {
	drop();
	tell({ kind: "failed", failure: failureOf(error) });
}

function packs(pack: PackJob, order: TreeOrder): void {
	if (order.kind === "buffer") pack.buffer(order);
	if (order.kind === "catch-up") pack.catchUp(order).catch(fail);
}

function lists(manifest: ManifestJob, order: TreeOrder): void {
	if (order.kind === "buffer") manifest.buffer(order);
	if (order.kind === "seal") manifest.seal(order);
}

function unpacks(unpack: UnpackJob, order: TreeOrder): void {
	if (order.kind === "buffer") unpack.buffer(order);
	if (order.kind === "end") unpack.end(order);
	if (order.kind === "finish") unpack.finish(order).catch(fail);
}

function reads(read: ReadJob, order: TreeOrder): void {
	if (order.kind === "buffer") read.buffer(order);
	if (order.kind === "end") read.end();
	if (order.kind === "compare") read.compare(order).catch(fail);
	if (order.kind === "finish") read.finish(order).catch(fail);
}

function copies(copy: CopyJob, order: TreeOrder): void {
	if (order.kind === "into") copy.into(order).catch(fail);
	if (order.kind === "catch-up") copy.catchUp(order).catch(fail);
	if (order.kind === "finish") copy.finish().catch(fail);
}

function stages(stage: StageJob): void {
	job = stage;
	stage.run().catch(fail);
}

function drop(): void {
	job?.[Symbol.dispose]();
	job = undefined;
}

parentPort?.on("message", take);
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port, not a window; it says that everything is loaded
parentPort?.postMessage("ready");
