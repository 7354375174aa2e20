/** What makes volumes of one kind and brings their content to a directory of this host: the port that every driver fills. */

/** A volume, as far as its driver has to know it. */
export interface DriverVolume {
	readonly name: string;
	/** As the user gave them. */
	readonly options: ReadonlyMap<string, string>;
	/** What its content lies on: the driver's own word, decided once by `plan` and stored with the volume. */
	readonly backing: string;
}

/** `volume`: it comes and goes with the volume. `options`: where these say, and there for whoever else names that. `memory`: gone with the last mount. */
export type Home = "volume" | "options" | "memory";

/**
 * Everything is idempotent, absent is success, and a call may come after a crash in the middle of any other one.
 *
 * What a driver mounts outlives volumed. `mount` and `unmount` come once each, however many use the volume: who uses it is counted by
 * the caller. Faults of every call: DISK_FULL, KERNEL_REFUSED; of those that mount: MOUNT_FAILED; of plugins: DRIVER_FAILED.
 */
export interface Driver {
	readonly name: string;
	/** Its volumes have their name from it: they lie in a directory of that name and can be given another. */
	readonly canRename: boolean;
	/** Judges options and decides on the backing, without any effect. Faults: UNKNOWN_OPTION, INVALID_OPTION. */
	plan(options: ReadonlyMap<string, string>): Promise<string>;
	/** False: the content is at the mountpoint as long as the volume is there. */
	needsMount(volume: DriverVolume): boolean;
	/** Where the content lives. */
	home(volume: DriverVolume): Home;
	/** Makes the volume with empty content, unless it is there. */
	create(volume: DriverVolume, signal: AbortSignal): Promise<void>;
	/** Of a volume that is not mounted: it is out of sight when this resolves; the space comes back later. */
	remove(volume: DriverVolume): Promise<void>;
	/** Brings the content to a directory and answers where. Mounted already is success, unless the mount is dead: then it is mounted anew. */
	mount(volume: DriverVolume, signal: AbortSignal): Promise<string>;
	/** Takes it away, also when something still has files of it open. */
	unmount(volume: DriverVolume): Promise<void>;
	/** Where the content is, mounted or not; undefined while only the plugin knows. */
	mountpoint(volume: DriverVolume): string | undefined;
	/** The kernel says that it is mounted, and alive. */
	isMounted(volume: DriverVolume): Promise<boolean>;
	/** For people: `size`, `enforced_by`, or what a plugin says. */
	status(volume: DriverVolume): Promise<ReadonlyMap<string, string>>;
}
