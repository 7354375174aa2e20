/** The one stream of all events: on disk, bounded by age and bytes. */
import {
	DiscardPolicy,
	type JetStreamManager,
	NatsError,
	nanos,
	RetentionPolicy,
	StorageType,
	type StreamInfo,
} from "nats";
import type { StreamBounds } from "./nats-settings.ts";

export const STREAM = "WHARF_EVENTS";
export const SUBJECTS = "wharf.v1.>";

const MAX_AGE_MS = 7 * 24 * 60 * 60 * 1000;
const MAX_BYTES = 256 * 1024 * 1024;
/** Within it the server itself drops a message id that it has seen; consumers do so for ever. */
const DUPLICATE_WINDOW_MS = 2 * 60 * 1000;

/** Error codes of the JetStream API: https://github.com/nats-io/nats-server/blob/main/server/errors.json */
const STREAM_NOT_FOUND = 10059;
const STREAM_NAME_IN_USE = 10058;

/** Makes the stream when it is not there. An operator's own limits on one that is there are left alone. */
export async function ensureStream(manager: JetStreamManager, bounds: StreamBounds = {}): Promise<StreamInfo> {
	try {
		return await manager.streams.info(STREAM);
	} catch (error) {
		if (codeOf(error) !== STREAM_NOT_FOUND) throw error;
	}
	const { maxAgeMs = MAX_AGE_MS, maxBytes = MAX_BYTES, replicas = 1 } = bounds;
	try {
		return await manager.streams.add({
			name: STREAM,
			description: "Events of wharf",
			subjects: [SUBJECTS],
			storage: StorageType.File,
			retention: RetentionPolicy.Limits,
			discard: DiscardPolicy.Old,
			max_age: nanos(maxAgeMs),
			max_bytes: maxBytes,
			duplicate_window: nanos(Math.min(DUPLICATE_WINDOW_MS, maxAgeMs)),
			num_replicas: replicas,
		});
	} catch (error) {
		// Another service was first, with other bounds.
		if (codeOf(error) === STREAM_NAME_IN_USE) return manager.streams.info(STREAM);
		throw error;
	}
}

function codeOf(error: unknown): number | undefined {
	return error instanceof NatsError ? error.api_error?.err_code : undefined;
}
