/** The contract's methods and the use cases behind them. */
import { AttachmentServiceService, BackupServiceService, VolumeServiceService } from "#gen/wharf/volume/v1/volume.ts";
import { bidi, type Implementation, implement, mutation, serverStream, unary } from "#lib/rpc/handler.ts";
import type { Attachment } from "./attachment.ts";
import type { Attachments, Detached } from "./attachments.ts";
import type { Backups } from "./backups.ts";
import * as convert from "./convert.ts";
import * as archives from "./convert-archive.ts";
import { volumeFaults } from "./faults.ts";
import type { JobOutput } from "./job.ts";
import type { Restores } from "./restores.ts";
import { type ListedVolume, parseVolumeName } from "./volume.ts";
import type { Volumes } from "./volumes.ts";

export interface UseCases {
	readonly volumes: Volumes;
	readonly attachments: Attachments;
	readonly backups: Backups;
	readonly restores: Restores;
	readonly mountpoint: (name: string) => string;
}

export function volumeServices(useCases: UseCases): Implementation[] {
	return [volumeService(useCases), attachmentService(useCases), backupService(useCases)];
}

function volumeService({ volumes, mountpoint }: UseCases): Implementation {
	const render = (volume: ListedVolume) => ({ volume: convert.renderVolume(volume, mountpoint) });
	return implement(VolumeServiceService, {
		createVolume: mutation({
			parse: convert.parseCreateVolume,
			run: (spec, call) => volumes.create(spec, call.answer),
			render,
		}),
		getVolume: unary({
			parse: ({ name }) => parseVolumeName(name),
			run: (name) => volumes.get(name),
			render,
		}),
		listVolumes: unary({
			parse: convert.parseListVolumes,
			run: ({ filter, page }) => ({ page, found: volumes.list(filter, page.after, page.limit + 1) }),
			render: ({ page, found }) => convert.renderVolumes(found, page.limit, mountpoint),
		}),
		deleteVolume: mutation({
			parse: ({ name }) => parseVolumeName(name),
			run: (name, call) => volumes.delete(name, call.answer),
			render: (name: string) => ({ name }),
		}),
	});
}

function attachmentService({ attachments }: UseCases): Implementation {
	return implement(AttachmentServiceService, {
		attach: mutation({
			parse: convert.parseAttach,
			run: (spec, call) => attachments.attach(spec, call.answer, call.signal),
			render: (attachment: Attachment) => ({ attachment: convert.renderAttachment(attachment) }),
		}),
		detach: mutation({
			parse: convert.parseDetach,
			run: ({ party, removeAnonymous }, call) => attachments.detach(party, removeAnonymous, call.answer),
			render: ({ detached, removedVolumes }: Detached) => ({ detached, removedVolumes: [...removedVolumes] }),
		}),
		listAttachments: unary({
			parse: convert.parseListAttachments,
			run: ({ filter, page }) => ({ page, found: attachments.list(filter, page.after, page.limit + 1) }),
			render: ({ page, found }) => convert.renderAttachments(found, page.limit),
		}),
	});
}

function backupService({ backups, restores }: UseCases): Implementation {
	return implement(BackupServiceService, {
		backupVolume: serverStream({
			parse: archives.parseBackup,
			run: (spec, call) => backups.backup({ ...spec, requestId: call.requestId }, call.signal),
			render: archives.renderBackup,
		}),
		restoreVolume: bidi({
			parse: archives.parseRestore,
			run: (inputs, call) => restoring(restores, inputs, call.signal),
			render: archives.renderRestore,
		}),
	});
}

type Told = Exclude<JobOutput, { kind: "chunk" }>;

/** The first message says what is to be restored, the others are the archive. */
async function* restoring(
	restores: Restores,
	inputs: AsyncIterable<archives.RestoreInput>,
	signal: AbortSignal,
): AsyncGenerator<Told> {
	const iterator = inputs[Symbol.asyncIterator]();
	const first = await iterator.next();
	if (first.done === true || first.value.kind !== "spec") {
		throw volumeFaults.INVALID_STREAM({ problem: "the first message is not the specification" });
	}
	const rest = { [Symbol.asyncIterator]: () => iterator };
	for await (const output of restores.restore(first.value.spec, chunksOf(rest), signal)) {
		if (output.kind !== "chunk") yield output;
	}
}

async function* chunksOf(inputs: AsyncIterable<archives.RestoreInput>): AsyncGenerator<Buffer> {
	for await (const input of inputs) {
		if (input.kind === "spec") throw volumeFaults.INVALID_STREAM({ problem: "it has two specifications" });
		yield input.bytes;
	}
}
