/** The `wharf` command line's first file; `bin/wharf` starts it. */
import { runCommandLine } from "./run-command-line.ts";

process.exit(await runCommandLine(process.argv.slice(2)));
