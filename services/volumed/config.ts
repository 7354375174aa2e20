/** volumed's own settings. */
import { path } from "#lib/config/parsers.ts";

export const SCHEMA = {
	volumes: {
		key: "volumed.volumes",
		parse: path,
		default: undefined,
		doc: "Where the volumes are, when not below the root; one file system, which only volumed writes to.",
	},
} as const;
