/** A volume that is shown at a path of this host. */
import type { View } from "./kernel/views.ts";
import type { VolumeName } from "./volume.ts";

export interface PublicationSpec {
	readonly holder: string;
	readonly volume: VolumeName;
	/** Absolute, in its shortest form. */
	readonly path: string;
	/** Relative, in its shortest form; empty: all. */
	readonly subpath: string;
	readonly readOnly: boolean;
}

export interface Publication extends PublicationSpec {
	readonly createdAt: Date;
}

export function publishedView({ subpath, readOnly }: PublicationSpec, origin: string): View {
	return { origin, subpath, readOnly, owners: undefined, recursion: "enabled", propagation: "rprivate" };
}
