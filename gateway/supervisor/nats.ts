/**
 * The private nats-server: on loopback, with credentials made for this instance, its data below the root.
 *
 * What was chosen is kept in `client.json` (0600), where the services' supervisor and `wharf events` read it.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import type { Paths } from "#lib/config/paths.ts";
import { readSettings } from "#lib/config/settings.ts";
import { commonSchema, natsOf } from "#lib/daemon/common-settings.ts";
import type { NatsSettings } from "#lib/events/connection.ts";

export interface PrivateNats {
	readonly port: number;
	readonly user: string;
	readonly pass: string;
}

/** The NATS that the environment or wharf.json names; undefined: none is named. */
export function configuredNats(paths: Paths, env: NodeJS.ProcessEnv): NatsSettings | undefined {
	return natsOf(readSettings({ env, file: paths.settings, schema: commonSchema("gateway") }));
}

export function configPath(paths: Paths): string {
	return join(paths.nats, "nats-server.conf");
}

export function readPrivateNats(paths: Paths): PrivateNats | undefined {
	try {
		return JSON.parse(readFileSync(join(paths.nats, "client.json"), "utf8")) as PrivateNats; // written below alone
	} catch {
		return undefined;
	}
}

export function settingsOf({ port, user, pass }: PrivateNats): NatsSettings {
	return { servers: [`127.0.0.1:${port}`], user, pass };
}

/** Files for a start: the same port and credentials as before, as far as the port is still free. */
export async function preparePrivateNats(paths: Paths): Promise<PrivateNats> {
	mkdirSync(paths.nats, { recursive: true, mode: 0o700 });
	const before = readPrivateNats(paths);
	const port = before !== undefined && (await freePort(before.port)) === before.port ? before.port : await freePort(0);
	const secret = (): string => randomBytes(24).toString("hex");
	const nats = { port: port ?? 0, user: before?.user ?? "wharf", pass: before?.pass ?? secret() };
	writeFileSync(join(paths.nats, "client.json"), JSON.stringify(nats), { mode: 0o600 });
	writeFileSync(configPath(paths), configuration(paths, nats), { mode: 0o600 });
	return nats;
}

function configuration(paths: Paths, { port, user, pass }: PrivateNats): string {
	return [
		"# Made by `wharf up`.",
		`listen: "127.0.0.1:${port}"`,
		`server_name: "wharf"`,
		`jetstream { store_dir: ${JSON.stringify(join(paths.nats, "jetstream"))}, max_memory_store: 64MB, max_file_store: 1GB }`,
		`authorization { user: ${JSON.stringify(user)}, password: ${JSON.stringify(pass)} }`,
		"",
	].join("\n");
}

/** The port itself, or for 0 any free one; undefined when it is taken. */
function freePort(port: number): Promise<number | undefined> {
	return new Promise((resolve) => {
		const probe = createServer();
		probe.once("error", () => resolve(undefined));
		probe.listen(port, "127.0.0.1", () => {
			const address = probe.address();
			probe.close(() => resolve(typeof address === "object" ? address?.port : undefined));
		});
	});
}

/** True when a NATS server greets there. */
export function natsAnswers(port: number): Promise<boolean> {
	return new Promise((resolve) => {
		const probe = connect(port, "127.0.0.1");
		const end = (answer: boolean): void => {
			probe.destroy();
			resolve(answer);
		};
		probe.setTimeout(1_000, () => end(false));
		probe.once("data", (bytes) => end(bytes.toString("latin1").startsWith("INFO ")));
		probe.once("error", () => end(false));
	});
}
