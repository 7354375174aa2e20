/** Before the first end-to-end test: what is tested is bundled as users have it from npm, and hosts run that. */
import { Bundled } from "./bundled.ts";
import { PROGRAM } from "./host.ts";

/** Gives what takes it away. */
export default async function bundleOfHosts(): Promise<() => void> {
	const bundled = await Bundled.make();
	process.env[PROGRAM] = bundled.wharf;
	return () => bundled[Symbol.dispose]();
}
