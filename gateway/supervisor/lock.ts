/**
 * One supervisor an instance: it listens at an abstract unix socket named after the root, which ends with its process, however that ends.
 *
 * Anybody may connect to such a socket, so nothing is said over it.
 */
import { connect, createServer } from "node:net";
import type { Paths } from "#lib/config/paths.ts";

function nameOf(paths: Paths): string {
	return `\0wharf${paths.root}`;
}

/** False when another process has it. It is held until this process ends. */
export function takeLock(paths: Paths): Promise<boolean> {
	return new Promise((resolve, reject) => {
		const server = createServer((connection) => connection.destroy());
		server.once("error", (error: NodeJS.ErrnoException) =>
			error.code === "EADDRINUSE" ? resolve(false) : reject(error),
		);
		server.listen(nameOf(paths), () => resolve(true));
		server.unref();
	});
}

export function isLocked(paths: Paths): Promise<boolean> {
	return new Promise((resolve) => {
		const probe = connect(nameOf(paths));
		probe.once("connect", () => {
			probe.destroy();
			resolve(true);
		});
		probe.once("error", () => resolve(false));
	});
}
