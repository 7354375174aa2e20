/** What mounts are written in, and what a text alone does not say. */

/** Of which flag a text is the value: `-v`, `--mount` or `--tmpfs`. */
export type MountGrammar = "volume" | "mount" | "tmpfs";

export interface Surroundings {
	/** Where relative sources begin: an absolute path. Undefined: they are refused. */
	readonly workingDirectory: string | undefined;
	/** Of volumes that do not say their own; empty: `local`. */
	readonly volumeDriver: string;
}
