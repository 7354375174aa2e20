/** The contract's methods and the use cases behind them. */
import {
	AttachmentServiceService,
	BackupServiceService,
	PublicationServiceService,
	VolumeServiceService,
} from "#gen/wharf/volume/v1/volume.ts";
import { bidi, type Implementation, implement, mutation, serverStream, unary } from "#lib/rpc/handler.ts";
import { pageOf, pageToken } from "#lib/rpc/page.ts";
import type { Attachment } from "./attachment.ts";
import type { Attachments, Detached } from "./attachments.ts";
import type { BackupRuns } from "./backup-runs.ts";
import type { Backups } from "./backups.ts";
import type { Clones } from "./clones.ts";
import type { Verifications } from "./verifications.ts";
import * as convert from "./convert.ts";
import * as archives from "./convert-archive.ts";
import * as runs from "./convert-backups.ts";
import { parseMountTexts, renderMountSpec } from "./convert-mount.ts";
import type { Descriptions } from "./descriptions.ts";
import { volumeFaults } from "./faults.ts";
import type { RestoreOutput, Told, VerifyResult } from "./job.ts";
import type { Jobs } from "./jobs.ts";
import type { LiveMounts } from "./live-mounts.ts";
import { parseMounts } from "./mount-text/parse-mounts.ts";
import type { Prune } from "./prune.ts";
import type { Publication } from "./publication.ts";
import type { Publications } from "./publications.ts";
import type { Restores } from "./restores.ts";
import { type DescribedVolume, type ListedVolume, parseVolumeName } from "./volume.ts";
import type { Volumes } from "./volumes.ts";

export interface UseCases {
	readonly volumes: Volumes;
	readonly descriptions: Descriptions;
	readonly prune: Prune;
	readonly attachments: Attachments;
	readonly liveMounts: LiveMounts;
	readonly publications: Publications;
	readonly backups: Backups;
	readonly backupRuns: BackupRuns;
	readonly restores: Restores;
	readonly verifications: Verifications;
	readonly clones: Clones;
	readonly jobs: Jobs;
}

export function volumeServices(useCases: UseCases): Implementation[] {
	return [volumeService(useCases), attachmentService(useCases), publicationService(useCases), backupService(useCases)];
}

function volumeService({ volumes, descriptions, prune }: UseCases): Implementation {
	const described = async (volume: ListedVolume, signal: AbortSignal, withUsage = false) =>
		(await descriptions.of([volume], withUsage, signal))[0];
	const render = (volume: DescribedVolume | undefined) => ({ volume: volume && convert.renderVolume(volume) });
	const plain = (volume: ListedVolume) => render(volumes.plainly(volume));
	return implement(VolumeServiceService, {
		createVolume: mutation({
			parse: convert.parseCreateVolume,
			run: (spec, call) => volumes.create(spec, call.answer, call.signal),
			render: plain,
		}),
		getVolume: unary({
			parse: ({ name, withUsage }) => ({ name: parseVolumeName(name), withUsage }),
			run: ({ name, withUsage }, call) => described(volumes.get(name), call.signal, withUsage),
			render,
		}),
		listVolumes: unary({
			parse: convert.parseListVolumes,
			run: async ({ filter, page, withUsage }, call) => {
				const { items, next } = pageOf(
					volumes.list(filter, page.after, page.limit + 1),
					page.limit,
					({ name }) => name,
				);
				return { found: await descriptions.of(items, withUsage, call.signal), next };
			},
			render: ({ found, next }) => ({ volumes: found.map(convert.renderVolume), nextPageToken: pageToken(next) }),
		}),
		updateVolume: mutation({
			parse: convert.parseUpdateVolume,
			run: ({ name, change }, call) => volumes.update(name, change, call.answer),
			render: plain,
		}),
		renameVolume: mutation({
			parse: convert.parseRenameVolume,
			run: ({ name, newName }, call) => volumes.rename(name, newName, call.answer),
			render: plain,
		}),
		deleteVolume: mutation({
			parse: ({ name }) => parseVolumeName(name),
			run: (name, call) => volumes.delete(name, call.answer),
			render: (name: string) => ({ name }),
		}),
		pruneVolumes: mutation({
			parse: convert.parsePrune,
			run: (spec, call) => prune.prune(spec, call.answer, call.signal),
			render: convert.renderPruned,
		}),
	});
}

function attachmentService({ attachments, liveMounts }: UseCases): Implementation {
	const render = (attachment: Attachment) => ({ attachment: convert.renderAttachment(attachment) });
	return implement(AttachmentServiceService, {
		parseMounts: unary({
			parse: parseMountTexts,
			run: (texts) => parseMounts(texts),
			render: (mounts) => ({ mounts: mounts.map(renderMountSpec) }),
		}),
		attach: mutation({
			parse: convert.parseAttach,
			run: (spec, call) => attachments.attach(spec, call.answer, call.signal),
			render,
		}),
		activateAttachment: mutation({
			parse: convert.parseActivate,
			run: (spec, call) => attachments.activate(spec, call.answer, call.signal),
			render,
		}),
		deactivateAttachment: mutation({
			parse: (message) => convert.parseParty(message),
			run: (party, call) => attachments.deactivate(party, call.answer),
			render: (deactivated: boolean) => ({ deactivated }),
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
		mountInto: mutation({
			parse: convert.parseMountInto,
			run: (spec, call) => liveMounts.mountInto(spec, call.answer, call.signal),
			render: convert.renderLiveMount,
		}),
		unmountFrom: mutation({
			parse: convert.parseUnmountFrom,
			run: ({ party, destination }, call) => liveMounts.unmountFrom(party, destination, call.answer),
			render: (unmounted: boolean) => ({ unmounted }),
		}),
	});
}

function publicationService({ publications }: UseCases): Implementation {
	return implement(PublicationServiceService, {
		publishVolume: mutation({
			parse: convert.parsePublish,
			run: (spec, call) => publications.publish(spec, call.answer, call.signal),
			render: (publication: Publication) => ({ publication: convert.renderPublication(publication) }),
		}),
		unpublishVolume: mutation({
			parse: ({ path }) => convert.parsePublishedPath(path),
			run: (path, call) => publications.unpublish(path, call.answer),
			render: (unpublished: boolean) => ({ unpublished }),
		}),
		listPublications: unary({
			parse: convert.parseListPublications,
			run: ({ volume, page }) => ({ page, found: publications.list(volume, page.after, page.limit + 1) }),
			render: ({ page, found }) => convert.renderPublications(found, page.limit),
		}),
	});
}

function backupService({ backups, backupRuns, restores, verifications, clones, jobs }: UseCases): Implementation {
	return implement(BackupServiceService, {
		backupVolume: serverStream({
			parse: archives.parseBackup,
			run: (spec, call) => backups.backup({ ...spec, requestId: call.requestId }, call.signal),
			render: archives.renderBackup,
		}),
		backupVolumes: serverStream({
			parse: runs.parseBackups,
			run: (spec, call) => backupRuns.backup({ ...spec, requestId: call.requestId }, call.signal),
			render: runs.renderBackups,
		}),
		restoreVolume: bidi({
			parse: archives.parseRestore,
			run: (inputs, call) => restoring(restores, inputs, call.signal),
			render: archives.renderRestore,
		}),
		verifyArchive: bidi({
			parse: archives.parseVerify,
			run: (inputs, call) => verifying(verifications, inputs, call.signal),
			render: archives.renderVerify,
		}),
		cloneVolume: serverStream({
			parse: archives.parseClone,
			run: (spec, call) => clones.clone({ ...spec, requestId: call.requestId }, call.signal),
			render: archives.renderClone,
		}),
		awaitJobs: unary({
			parse: ({ ofRequestId }) => ofRequestId,
			run: (requestId, call) => jobs.ended(requestId, call.signal),
			render: () => ({}),
		}),
	});
}

async function* restoring(
	restores: Restores,
	inputs: AsyncIterable<archives.RestoreInput>,
	signal: AbortSignal,
): AsyncGenerator<RestoreOutput> {
	const { spec, rest } = await specified(inputs);
	yield* restores.restore(spec, rest, signal);
}

async function* verifying(
	verifications: Verifications,
	inputs: AsyncIterable<archives.VerifyInput>,
	signal: AbortSignal,
): AsyncGenerator<Told<VerifyResult>> {
	const { spec, rest } = await specified(inputs);
	yield* verifications.verify(spec, rest, signal);
}

type Input<S> = { readonly kind: "spec"; readonly spec: S } | { readonly kind: "chunk"; readonly bytes: Buffer };

/** The first message says what is to be done, the others are the archive. */
async function specified<S>(inputs: AsyncIterable<Input<S>>): Promise<{ spec: S; rest: AsyncGenerator<Buffer> }> {
	const iterator = inputs[Symbol.asyncIterator]();
	const first = await iterator.next();
	if (first.done === true || first.value.kind !== "spec") {
		throw volumeFaults.INVALID_STREAM({ problem: "the first message is not the specification" });
	}
	return { spec: first.value.spec, rest: chunksOf({ [Symbol.asyncIterator]: () => iterator }) };
}

async function* chunksOf<S>(inputs: AsyncIterable<Input<S>>): AsyncGenerator<Buffer> {
	for await (const input of inputs) {
		if (input.kind === "spec") throw volumeFaults.INVALID_STREAM({ problem: "it has two specifications" });
		yield input.bytes;
	}
}
