/** A process in a network namespace of its own, for tests of taking such a one in. */
import { setTimeout as sleep } from "node:timers/promises";
import { start } from "#lib/exec/run.ts";
import { netnsId } from "../netns.ts";

export interface NetnsProcess {
	readonly pid: number;
	/** Of its namespace, while it is there. */
	readonly path: string;
	/** Kills it; resolves when its namespace is nobody's but its holders'. */
	end(): Promise<void>;
	/** As `end`, without waiting. */
	kill(): void;
}

/** A minute at most. */
export async function inOwnNetns(): Promise<NetnsProcess> {
	const child = start("unshare", ["--net", "sleep", "60"], { stdout: "ignore", stderr: "ignore" });
	const pid = child.pid ?? 0;
	const path = `/proc/${pid}/ns/net`;
	while (netnsId(path) === netnsId()) await sleep(2);
	return {
		pid,
		path,
		end: async () => {
			child.kill("SIGKILL");
			await child.done;
		},
		kill: () => void child.kill("SIGKILL"),
	};
}
