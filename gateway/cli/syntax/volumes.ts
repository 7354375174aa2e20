/** `-v` as Docker has it: `/path`, `name:/path`, `/host:/path`, `./host:/path`, each with `:options` behind. */
import { isAbsolute, resolve } from "node:path";
import { syntaxFaults } from "./faults.ts";

export interface MountWish {
	readonly destination: string;
	readonly readOnly: boolean;
	readonly source:
		| { readonly kind: "volume"; readonly name: string; readonly noCopy: boolean }
		| { readonly kind: "bind"; readonly path: string; readonly propagation: string };
}

const PROPAGATIONS = new Set(["private", "rprivate", "shared", "rshared", "slave", "rslave"]);
/** SELinux labels and the caching hints of Docker Desktop mean nothing here, and scripts are full of them. */
const WITHOUT_EFFECT = new Set(["z", "Z", "cached", "delegated", "consistent", ""]);
const OPTIONS =
	"ro, rw, nocopy, a propagation (rprivate, private, rshared, shared, rslave, slave), z, Z, cached, delegated or consistent";

/** A relative source is below `cwd`, which is the command line's own. */
export function parseVolume(text: string, cwd: string): MountWish {
	const parts = text.split(":");
	const [first = "", second, third = ""] = parts;
	if (parts.length > 3 || first === "")
		throw invalid(text, "DESTINATION, SOURCE:DESTINATION or SOURCE:DESTINATION:OPTIONS");
	const destination = second ?? first;
	if (!isAbsolute(destination)) throw invalid(text, "one whose path in the container is absolute");
	const options = parseOptions(text, third.split(","));
	const named = second === undefined ? "" : first;
	if (named.startsWith("/") || named.startsWith(".")) {
		const { readOnly, propagation } = options;
		return { destination, readOnly, source: { kind: "bind", path: resolve(cwd, named), propagation } };
	}
	if (named.includes("/"))
		throw invalid(text, "one whose source is a volume's name, an absolute path, or begins with ./");
	if (options.propagation !== "") throw invalid(text, "a bind mount to have a propagation; volumes have none");
	return { destination, readOnly: options.readOnly, source: { kind: "volume", name: named, noCopy: options.noCopy } };
}

function parseOptions(text: string, words: readonly string[]) {
	let [readOnly, noCopy, propagation] = [false, false, ""];
	for (const word of words) {
		if (word === "ro" || word === "readonly") readOnly = true;
		else if (word === "rw") readOnly = false;
		else if (word === "nocopy") noCopy = true;
		else if (PROPAGATIONS.has(word)) propagation = word;
		else if (!WITHOUT_EFFECT.has(word)) throw invalid(text, `one with known options: ${OPTIONS}`);
	}
	return { readOnly, noCopy, propagation };
}

function invalid(value: string, allowed: string) {
	return syntaxFaults.INVALID_VALUE({ what: "The volume", value, allowed }, { field: "mounts" });
}
