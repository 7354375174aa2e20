/**
 * `views-program.ts FOLDER OWN ORIGIN PATH PID DESTINATION`: makes a view of every kind and takes each away again, as a volumed does that
 * was started anew: also what one left that was killed in between.
 */
import { createLog } from "#lib/log/log.ts";
import { LinuxViews } from "../kernel/linux-views.ts";
import type { View } from "../kernel/views.ts";

const [folder = "", own = "", origin = "", path = "", pid = "", destination = ""] = process.argv.slice(2);
const [recursion, propagation] = ["enabled", "rprivate"] as const;
const owners = { uids: [{ onDisk: 0, seen: 100_000, count: 1000 }], gids: [] };
const view: View = { origin, subpath: "", readOnly: true, owners: undefined, recursion, propagation };

await using views = await LinuxViews.open({ folder, own: [own], log: createLog({ service: "test", level: "silent" }) });
const identity = await views.identify(Number(pid));
if (identity === undefined) throw new Error(`there is no process ${pid}`);
await views.prepare("a/0", { ...view, owners });
await views.prepare("a/1", { ...view, subpath: "file" });
await views.publish(path, view);
await views.mountInto(identity, view, destination);
await views.unmountFrom(identity, view, destination);
await views.unpublish(path, view, true);
await views.discard("a");
