/**
 * dnsd as a process with 1,000 containers, asked at 127.0.0.11:53 in a sandbox by dnsperf, beside dnsmasq, aardvark-dns and
 * Docker with the same names in the same run. Rounds alternate; a figure is the median of them.
 */
import { cached } from "./dns/cached.ts";
import { changing } from "./dns/changing.ts";
import { local } from "./dns/local.ts";
import { paced } from "./dns/paced.ts";
import { sandboxes } from "./dns/sandboxes.ts";
import { printParts } from "./support/figures.ts";

await printParts("dnsd", { local, paced, changing, cached, sandboxes });
