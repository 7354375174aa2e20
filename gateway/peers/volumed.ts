/** volumed, as the gateway uses it: it holds the attachments of its containers there, one each. */
import { randomUUID } from "node:crypto";
import {
	ActivateAttachmentRequest,
	type Attachment,
	AttachmentServiceService,
	AttachRequest,
	DeactivateAttachmentRequest,
	DetachRequest,
	ListAttachmentsRequest,
	type MountsOf,
	type MountSpec,
	type ResolvedMount,
} from "#gen/wharf/volume/v1/volume.ts";
import { type Address, client, type ClientOf } from "#lib/rpc/client.ts";
import { allPages } from "#lib/rpc/all-pages.ts";
import { cgroupPath } from "../runtime/oci-config.ts";
import { HOLDER } from "./netd.ts";

/** Filling a new volume from an image takes as long as the image's content is large. */
const ATTACH_TIMEOUT_MS = 10 * 60_000;
/** A server that does not answer is given up by volumed itself before. */
const ACTIVATE_TIMEOUT_MS = 3 * 60_000;
const TIMEOUT_MS = 60_000;

export interface Wanted {
	readonly containerId: string;
	readonly containerName: string;
	readonly mounts: readonly MountSpec[];
	/** Other containers', by their ids. */
	readonly mountsOf: readonly MountsOf[];
	readonly imageRoot: string;
}

export class Volumed implements Disposable {
	readonly #attachments: ClientOf<AttachmentServiceService>;

	constructor(address: Address) {
		this.#attachments = client(AttachmentServiceService, address, { timeoutMs: TIMEOUT_MS, pipeline: true });
	}

	/** Held and filled, and made ready by `activate`. */
	async attach({ mounts, mountsOf, ...rest }: Wanted, signal?: AbortSignal): Promise<readonly ResolvedMount[]> {
		const lists = { mounts: [...mounts], mountsOf: [...mountsOf] };
		const cgroup = cgroupPath(rest.containerId);
		const request = { requestId: randomUUID(), holder: HOLDER, ...rest, ...lists, activateLater: true, cgroup };
		const options = { signal, timeoutMs: ATTACH_TIMEOUT_MS };
		const { attachment } = await this.#attachments.attach(AttachRequest.fromPartial(request), options);
		return attachment?.mounts ?? [];
	}

	/** Everything is there to be mounted when this resolves. */
	async activate(containerId: string, signal?: AbortSignal): Promise<readonly ResolvedMount[]> {
		const request = { requestId: randomUUID(), holder: HOLDER, containerId, cgroup: cgroupPath(containerId) };
		const options = { signal, timeoutMs: ACTIVATE_TIMEOUT_MS };
		const { attachment } = await this.#attachments.activateAttachment(
			ActivateAttachmentRequest.fromPartial(request),
			options,
		);
		return attachment?.mounts ?? [];
	}

	/** Not active, or not attached, is success. */
	async deactivate(containerId: string): Promise<void> {
		const request = { requestId: randomUUID(), holder: HOLDER, containerId };
		await this.#attachments.deactivateAttachment(DeactivateAttachmentRequest.fromPartial(request));
	}

	/** Not attached is success. */
	async detach(containerId: string, removeAnonymous: boolean): Promise<void> {
		const request = { requestId: randomUUID(), holder: HOLDER, containerId, removeAnonymous };
		await this.#attachments.detach(DetachRequest.fromPartial(request));
	}

	/** The gateway's own. */
	attachments(): Promise<Attachment[]> {
		return allPages(
			(page) => this.#attachments.listAttachments(ListAttachmentsRequest.fromPartial({ ...page, holder: HOLDER })),
			(answer) => answer.attachments,
		);
	}

	[Symbol.dispose](): void {
		this.#attachments.close();
	}
}
