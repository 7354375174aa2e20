/** Who may change what is in volumes while it is read: containers, by the control groups of their processes. */
import type { Store } from "#lib/store/store.ts";
import type { Attachment, ResolvedMount } from "./attachment.ts";
import { AttachmentRecords } from "./attachment-records.ts";
import { LiveMountRecords } from "./live-mount-records.ts";
import type { VolumeName } from "./volume.ts";

export interface Writers {
	/** Names of containers by control group; whether they run is the kernel's to say. */
	readonly groups: ReadonlyMap<string, ReadonlySet<string>>;
	/** Names of those that may be running, and of whose control group nothing was said. */
	readonly unknown: ReadonlySet<string>;
}

/** Containers that have one of the volumes mounted, and not read-only. */
export function writersOf(store: Store, volumes: readonly VolumeName[]): Writers {
	const attachments = new AttachmentRecords(store);
	const liveMounts = new LiveMountRecords(store);
	const wanted = new Set<string>(volumes);
	const writes = ({ volume, readOnly }: ResolvedMount): boolean => wanted.has(volume) && !readOnly;
	const groups = new Map<string, Set<string>>();
	const unknown = new Set<string>();
	const add = (name: string, cgroup: string, mayRun: boolean): void => {
		if (cgroup !== "") groups.set(cgroup, (groups.get(cgroup) ?? new Set()).add(name));
		else if (mayRun) unknown.add(name);
	};
	for (const volume of wanted) {
		for (const attachment of attachments.using(volume))
			if (attachment.mounts.some(writes)) add(nameOf(attachment), attachment.cgroup, attachment.active);
		for (const live of liveMounts.ofVolume(volume))
			if (writes(live.mount)) add(nameOf(live), attachments.find(live.holder, live.containerId)?.cgroup ?? "", true);
	}
	return { groups, unknown };
}

function nameOf({ containerId, containerName }: Pick<Attachment, "containerId" | "containerName">): string {
	return containerName || containerId.slice(0, 12);
}
