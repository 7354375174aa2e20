/**
 * The `wharf` command line's first file. It loads nothing before the compile cache is on: what is loaded decides how long a command takes.
 */
import { existsSync } from "node:fs";
import module from "node:module";
import { join } from "node:path";

// Below the instance's root, which only root can write: V8 trusts what it finds in its cache. No root yet: no cache.
const run = join(process.env["WHARF_ROOT"] || "/var/lib/wharf", "run");
if (existsSync(run)) module.enableCompileCache(join(run, "compile-cache"));

const { runCommandLine } = await import("./run-command-line.ts");
process.exit(await runCommandLine(process.argv.slice(2)));
