/** A mount as a container's runtime is told of it. Pure. */
import type { MountSpec, ResolvedMount, TmpfsSource } from "./attachment.ts";
import type { View } from "./kernel/views.ts";

/** Where what is mounted is on this host. */
export interface Origin {
	/** Empty: memory. */
	readonly path: string;
	/** Of a volume; empty otherwise. */
	readonly volume: string;
	readonly driver: string;
}

/**
 * As an OCI runtime takes it. `preparedPath` is where a view is made when the origin itself will not do.
 *
 * `rro` is recursive read-only by mount_setattr (runc 1.1, crun 1.4: `runc features` lists it); `ro` beside it is for the mount
 * itself, so that a runtime that does not know the other still refuses writes there. Memory is as Docker mounts it.
 */
export function resolve(spec: MountSpec, origin: Origin, preparedPath: string): ResolvedMount {
	const { destination, readOnly, mode, source } = spec;
	const { path, volume, driver } = origin;
	const none = { view: undefined, create: false, relabel: undefined };
	const common = { destination, readOnly, volume, driver, mode, origin: path, ...none };
	if (source.kind === "tmpfs") {
		return { ...common, source: "tmpfs", type: "tmpfs", options: tmpfsOptions(source, readOnly) };
	}
	const view = viewOf(spec, path);
	const needsView = view.subpath !== "" || view.owners !== undefined;
	return {
		...common,
		type: "bind",
		options: bindOptions(view),
		source: needsView ? preparedPath : path,
		view: needsView ? view : undefined,
		create: source.kind === "bind" && source.create,
		relabel: spec.relabel,
	};
}

export function viewOf({ source, readOnly, owners }: MountSpec, origin: string): View {
	const isBind = source.kind === "bind";
	return {
		origin,
		subpath: source.kind === "volume" ? source.subpath : "",
		readOnly,
		owners,
		recursion: isBind ? source.recursion : "enabled",
		propagation: isBind ? source.propagation : "rprivate",
	};
}

function bindOptions({ readOnly, recursion, propagation }: View): string[] {
	const bind = recursion === "disabled" ? "bind" : "rbind";
	const isRecursive = recursion === "enabled" || recursion === "readonly";
	const access = readOnly ? ["ro", ...(isRecursive ? ["rro"] : [])] : ["rw"];
	return [bind, ...access, propagation];
}

/** What is given may undo what is there without it. */
const UNDOING: Readonly<Record<string, string>> = { noexec: "exec", nosuid: "suid", nodev: "dev" };

function tmpfsOptions({ sizeBytes, mode, options }: TmpfsSource, readOnly: boolean): string[] {
	const defaults = Object.keys(UNDOING).filter(
		(word) => !options.includes(UNDOING[word] ?? "") && !options.includes(word),
	);
	const size = sizeBytes === 0n ? [] : [`size=${sizeBytes}`];
	const given = options.filter((word) => !Object.values(UNDOING).includes(word));
	return [...defaults, `mode=${mode.toString(8)}`, ...size, ...given, readOnly ? "ro" : "rw", "rprivate"];
}
