/** What a container mounts, as `run` and `create` are told. The texts are read by volumed, so that programs have the same grammar. */
import {
	AttachmentServiceService,
	MountGrammar,
	type MountSpec,
	type MountText,
	type ParseMountsRequest,
	type ParseMountsResponse,
} from "#gen/wharf/volume/v1/volume.ts";
import type { Paths } from "#lib/config/paths.ts";
import { connect } from "./requests.ts";
import type { Flags, ValuesOf } from "./syntax/command.ts";

export const MOUNT_FLAGS = {
	volume: {
		kind: "list",
		short: "v",
		value: "VOLUME",
		help: "Mount a volume or a directory: data:/data, /srv:/srv:ro, ./src:/src, /scratch; a directory that is missing is made",
	},
	mount: {
		kind: "list",
		value: "MOUNT",
		help: "The same in words: type=volume|bind|tmpfs,source=SOURCE,target=PATH,readonly, and all that Docker has; nothing that is missing is made",
	},
	tmpfs: { kind: "list", value: "PATH[:OPTIONS]", help: "Mount memory: /run, /tmp:size=64m,mode=1770" },
	"volumes-from": { kind: "list", value: "CONTAINER[:ro]", help: "Mount all that another container has mounted" },
	"volume-driver": { kind: "text", value: "DRIVER", help: "Of volumes that are made for it and do not say their own" },
} as const satisfies Flags;

/** Who holds what containers mount: the gateway, which lets it go with them. */
export const HOLDER = "gateway";

export type ParseMounts = (request: ParseMountsRequest) => Promise<ParseMountsResponse>;

/** Asks volumed, which is called only then. */
export function volumedOf(paths: () => Paths): ParseMounts {
	return async (request) => {
		using volumed = connect(paths(), "volumed", AttachmentServiceService);
		return await volumed.parseMounts(request);
	};
}

type Given = Pick<ValuesOf<typeof MOUNT_FLAGS>, "volume" | "mount" | "tmpfs" | "volume-driver">;

/** Nobody is asked where there are none. Faults: volumed's of `ParseMounts`. */
export async function mountsOf(flags: Given, cwd: string, parseMounts: ParseMounts): Promise<MountSpec[]> {
	const inGrammar = (grammar: MountGrammar, texts: readonly string[]) => texts.map((text) => ({ grammar, text }));
	const texts = [
		...inGrammar(MountGrammar.VOLUME, flags.volume),
		...inGrammar(MountGrammar.MOUNT, flags.mount),
		...inGrammar(MountGrammar.TMPFS, flags.tmpfs),
	];
	if (texts.length === 0) return [];
	const request = { texts, workingDirectory: cwd, volumeDriver: flags["volume-driver"] ?? "" };
	return (await parseMounts(request)).mounts;
}

/** Of a mount whose flag is not said: a `--mount` begins with a key, and neither a path nor a volume's name is one. */
export function mountTextOf(text: string): MountText {
	const grammar = /^"?[a-z-]+[=,]/i.test(text) ? MountGrammar.MOUNT : MountGrammar.VOLUME;
	return { grammar, text };
}
