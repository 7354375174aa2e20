/**
 * volumed against what it is to reach, beside Docker and GNU tar: a table for docs/benchmarks.md. `npm run bench -- volume` has all of
 * it; WHARF_BENCH_ROWS=lives,attaching some.
 *
 * Every part has a volumed of its own. Prints only.
 */
import { printParts } from "./support/figures.ts";
import { archiveMemory } from "./volume/archive-memory.ts";
import { archives } from "./volume/archives.ts";
import { archivesBesideDocker } from "./volume/archives-beside-docker.ts";
import { attaching } from "./volume/attaching.ts";
import { listing } from "./volume/listing.ts";
import { lives } from "./volume/lives.ts";

await printParts("volumed", { lives, attaching, listing, archives, archivesBesideDocker, archiveMemory });
