/**
 * `pauses-program.ts STORE VOLUME`: volumed's store is opened, and the containers that may write to the volume are paused and let go on, as a
 * backup does it. For kill points: it says `paused` in between.
 */
import { createLog } from "#lib/log/log.ts";
import { Store } from "#lib/store/store.ts";
import { LinuxFreezer } from "../kernel/linux-freezer.ts";
import { Pauses } from "../pauses.ts";
import { MIGRATIONS } from "../schema.ts";
import { parseVolumeName } from "../volume.ts";

const [path = "", volume = ""] = process.argv.slice(2);

const log = createLog({ service: "test", level: "silent" });
await using store = await Store.open({ path, migrations: MIGRATIONS });
const pauses = new Pauses({ store, freezer: new LinuxFreezer(log), log });
await using pause = await pauses.pause([parseVolumeName(volume)], new AbortController().signal);
process.stdout.write(`paused ${pause.containers.join(" ")}\n`);
