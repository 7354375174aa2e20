/** The facts that volumed publishes; each goes into the transaction that makes it true. */
import { eventEntry } from "#lib/events/entry.ts";
import { Fault } from "#lib/fault/fault.ts";
import type { Statement } from "#lib/store/store.ts";
import type { Attachment, LiveMount } from "./attachment.ts";
import type { ArchiveResult } from "./job.ts";
import type { Volume } from "./volume.ts";

type VolumeAction = VolumeEventOf["action"];
type VolumeEventOf = Extract<Parameters<typeof eventEntry>[0], { readonly $case: "volume" }>["value"];

/** `more`: what it was called before, or the path that it is about. */
export function volumeFact(
	action: VolumeAction,
	{ name, driver }: Volume,
	{ oldName = "", path = "" }: { readonly oldName?: string; readonly path?: string } = {},
): Statement {
	return eventEntry({ $case: "volume", value: { action, name, driver, oldName, path } });
}

export function attachmentFact(action: "ACTION_ATTACHED" | "ACTION_DETACHED", attachment: Attachment): Statement {
	const { id, containerId, mounts } = attachment;
	const volumes = [...new Set(mounts.map(({ volume }) => volume).filter((name) => name !== ""))];
	const value = { action, attachmentId: id, containerId, volumes, destination: "" };
	return eventEntry({ $case: "attachment", value });
}

export function liveMountFact(action: "ACTION_MOUNTED" | "ACTION_UNMOUNTED", live: LiveMount): Statement {
	const { id, containerId, mount } = live;
	const { volume, destination } = mount;
	const value = { action, attachmentId: id, containerId, volumes: volume === "" ? [] : [volume], destination };
	return eventEntry({ $case: "attachment", value });
}

export function backupFact(action: "ACTION_CREATED" | "ACTION_RESTORED", result: ArchiveResult): Statement {
	const { volume, entries, bytes, manifestSha256 } = result;
	const value = { action, volume, entries: BigInt(entries), bytes: BigInt(bytes), manifestSha256, error: "" };
	return eventEntry({ $case: "backup", value });
}

export function failedFact(volume: string, error: string): Statement {
	const value = { action: "ACTION_FAILED" as const, volume, entries: 0n, bytes: 0n, manifestSha256: "", error };
	return eventEntry({ $case: "backup", value });
}

/** What an event says of a failure: the sentence of a fault, and nothing of a bug. */
export function messageOf(error: unknown): string {
	return error instanceof Fault ? error.message : "An internal error.";
}
