/** Mounts that a container gets because another one has them. */
import type { Attachment, AttachSpec, ResolvedMount } from "./attachment.ts";

/** Of equal destinations the later container's; none where the container has one of its own. What is read-only stays so. */
export function inherited(
	{ mountsOf, mounts: own }: Pick<AttachSpec, "mountsOf" | "mounts">,
	find: (containerId: string) => Attachment,
): ResolvedMount[] {
	const taken = new Set(own.map(({ destination }) => destination));
	const found = new Map<string, ResolvedMount>();
	for (const { containerId, readOnly } of mountsOf) {
		for (const mount of find(containerId).mounts) {
			if (taken.has(mount.destination)) continue;
			found.set(mount.destination, readOnly && !mount.readOnly ? madeReadOnly(mount) : mount);
		}
	}
	return [...found.values()];
}

function madeReadOnly(mount: ResolvedMount): ResolvedMount {
	const isRecursive = mount.options.includes("rbind");
	const readOnly = isRecursive ? ["ro", "rro"] : ["ro"];
	const options = mount.options.flatMap((option) => (option === "rw" ? readOnly : [option]));
	return { ...mount, readOnly: true, mode: "ro", options, view: mount.view && { ...mount.view, readOnly: true } };
}
