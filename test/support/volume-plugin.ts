/**
 * A volume plugin as a process of its own: Docker's protocol over a unix socket, a directory a volume.
 *
 * `volume-plugin.ts SOCKET FOLDER`. What it knows is in `FOLDER/state.json`, so that it is the same one after a SIGKILL. While there is a
 * file `FOLDER/slow`, no mounting and unmounting ends. `FOLDER/calls` has a line for each call: method, volume and user.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const [socket = "", folder = ""] = process.argv.slice(2);

interface Kept {
	readonly options: Readonly<Record<string, string>>;
	/** The ids of those that have it mounted. */
	readonly users: readonly string[];
}

type Request = Readonly<{ Name?: string; ID?: string; Opts?: Record<string, string> | null }>;

const stateFile = join(folder, "state.json");
const pathOf = (name: string): string => join(folder, "volumes", name);

function load(): Record<string, Kept> {
	return existsSync(stateFile) ? (JSON.parse(readFileSync(stateFile, "utf8")) as Record<string, Kept>) : {};
}

function answer(method: string, { Name: name = "", ID: id = "", Opts: options }: Request): object {
	const volumes = load();
	const keep = (changed: Record<string, Kept>): object => {
		writeFileSync(stateFile, JSON.stringify(changed));
		return {};
	};
	const described = (one: string): object => ({
		...{ Name: one, Mountpoint: pathOf(one) },
		Status: { users: volumes[one]?.users.length ?? 0, colour: volumes[one]?.options["colour"] ?? "none" },
	});
	if (method === "Plugin.Activate") return { Implements: ["VolumeDriver"] };
	if (method === "Capabilities") return { Capabilities: { Scope: "global" } };
	if (method === "List") return { Volumes: Object.keys(volumes).map(described) };
	if (method === "Create") {
		if (options?.["colour"] === "octarine") return { Err: "there is no paint of the colour octarine" };
		mkdirSync(pathOf(name), { recursive: true });
		return keep({ ...volumes, [name]: { options: options ?? {}, users: [] } });
	}
	const kept = volumes[name];
	if (kept === undefined) return { Err: `no such volume: ${name}` };
	const others = kept.users.filter((user) => user !== id);
	switch (method) {
		case "Get":
			return { Volume: described(name) };
		case "Path":
			return { Mountpoint: pathOf(name) };
		case "Mount":
			keep({ ...volumes, [name]: { ...kept, users: [...others, id] } });
			return { Mountpoint: pathOf(name) };
		case "Unmount":
			return keep({ ...volumes, [name]: { ...kept, users: others } });
		case "Remove": {
			if (kept.users.length > 0) return { Err: `${name} is mounted` };
			rmSync(pathOf(name), { recursive: true });
			const { [name]: _, ...rest } = volumes;
			return keep(rest);
		}
		default:
			return { Err: `no such method: ${method}` };
	}
}

async function bodyOf(message: IncomingMessage): Promise<Request> {
	const chunks: Buffer[] = [];
	for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
	const text = Buffer.concat(chunks).toString();
	return text === "" ? {} : (JSON.parse(text) as Request);
}

mkdirSync(join(folder, "volumes"), { recursive: true });
rmSync(socket, { force: true });
const server = createServer((message, response) => {
	const serve = async (): Promise<void> => {
		const request = await bodyOf(message);
		const method = (message.url ?? "").replace(/^\/(VolumeDriver\.)?/, "");
		appendFileSync(join(folder, "calls"), `${[method, request.Name, request.ID].filter(Boolean).join(" ")}\n`);
		while (/^(Mount|Unmount)$/.test(method) && existsSync(join(folder, "slow"))) await delay(50);
		const answered = answer(method, request);
		// As Docker's own helper for plugins written in Go has it.
		response.statusCode = "Err" in answered ? 500 : 200;
		response.end(JSON.stringify(answered));
	};
	serve().catch((error: unknown) => response.destroy(error instanceof Error ? error : new Error(String(error))));
});
server.listen(socket);
