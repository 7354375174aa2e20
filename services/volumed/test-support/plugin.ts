/** A volume plugin of our own: Docker's protocol over a unix socket, a directory a volume; and every way in which one can fail. */
import { once } from "node:events";
import { mkdirSync, renameSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { mountFs, unmount } from "#lib/linux/mount/mount.ts";

interface Kept {
	readonly options: Readonly<Record<string, string>>;
	/** The ids of those that have it mounted. */
	readonly mounts: Set<string>;
}

type Request = Readonly<{ Name?: string; ID?: string; Opts?: Record<string, string> }>;
type Misbehaviour = (response: ServerResponse, request: Request) => void;

export class TestPlugin implements AsyncDisposable {
	readonly volumes = new Map<string, Kept>();
	/** The methods that were called, without `VolumeDriver.`. */
	readonly calls: string[] = [];
	/** In the place of the answer to a method. */
	readonly instead = new Map<string, Misbehaviour>();
	implements: unknown = ["VolumeDriver"];
	/** Volumes are file systems of their own while they are mounted. */
	mountsTmpfs = false;
	readonly #socket: string;
	readonly #root: string;
	#server = createServer();

	/** `root` is a folder of its own. */
	constructor(socket: string, root: string) {
		this.#socket = socket;
		this.#root = root;
	}

	async listen(): Promise<void> {
		this.#server = createServer((request, response) => void this.#serve(request, response));
		// A test may leave a request without an answer.
		this.#server.requestTimeout = 0;
		this.#server.listen(this.#socket);
		await once(this.#server, "listening");
	}

	/** Ends with all its connections. `stale`: the socket's file stays, as after a SIGKILL. */
	async close({ stale = false } = {}): Promise<void> {
		if (!this.#server.listening) return;
		if (stale) renameSync(this.#socket, `${this.#socket}.kept`);
		const closed = once(this.#server, "close");
		this.#server.close();
		this.#server.closeAllConnections();
		await closed;
		if (stale) renameSync(`${this.#socket}.kept`, this.#socket);
	}

	/** How many connections are open at this end. */
	connections(): Promise<number> {
		return new Promise((resolve) => this.#server.getConnections((_, count) => resolve(count)));
	}

	path(name: string): string {
		return join(this.#root, name);
	}

	async #serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
		const chunks: Buffer[] = [];
		for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
		const text = Buffer.concat(chunks).toString();
		const request = (text === "" ? {} : JSON.parse(text)) as Request;
		const method = (message.url ?? "").replace(/^\/(VolumeDriver\.)?/, "");
		this.calls.push(method);
		const instead = this.instead.get(method);
		if (instead !== undefined) return instead(response, request);
		const answer = this.#answer(method, request);
		// As Docker's own helper for plugins written in Go has it.
		response.statusCode = "Err" in answer ? 500 : 200;
		response.end(JSON.stringify(answer));
	}

	#answer(method: string, request: Request): object {
		if (method === "Plugin.Activate") return { Implements: this.implements };
		if (method === "Capabilities") return { Capabilities: { Scope: "global" } };
		if (method === "List") return { Volumes: [...this.volumes.keys()].map((name) => this.#volume(name)) };
		const { Name: name = "", ID: id = "", Opts: options = {} } = request;
		if (method === "Create") return this.#create(name, options);
		const kept = this.volumes.get(name);
		if (kept === undefined) return { Err: `no such volume: ${name}` };
		if (method === "Get") return { Volume: this.#volume(name) };
		if (method === "Path") return { Mountpoint: this.path(name) };
		if (method === "Mount") return this.#mount(name, kept, id);
		if (method === "Unmount") return this.#unmount(name, kept, id);
		if (method === "Remove") return this.#remove(name, kept);
		return { Err: `no such method: ${method}` };
	}

	#volume(name: string): object {
		const { options, mounts } = this.volumes.get(name) ?? { options: {}, mounts: new Set() };
		const mountpoint = mounts.size > 0 || !this.mountsTmpfs ? this.path(name) : "";
		return { Name: name, Mountpoint: mountpoint, Status: { users: mounts.size, options } };
	}

	#create(name: string, options: Readonly<Record<string, string>>): object {
		if (this.volumes.has(name)) return { Err: `there is a volume ${name} already` };
		mkdirSync(this.path(name), { recursive: true });
		this.volumes.set(name, { options, mounts: new Set() });
		return {};
	}

	#mount(name: string, { mounts }: Kept, id: string): object {
		if (this.mountsTmpfs && mounts.size === 0) mountFs("tmpfs", `plugin-${name}`, this.path(name), ["size=1m"]);
		mounts.add(id);
		return { Mountpoint: this.path(name) };
	}

	#unmount(name: string, { mounts }: Kept, id: string): object {
		if (!mounts.delete(id)) return { Err: `${name} is not mounted by ${id}` };
		if (this.mountsTmpfs && mounts.size === 0) unmount(this.path(name));
		return {};
	}

	#remove(name: string, { mounts }: Kept): object {
		if (mounts.size > 0) return { Err: `${name} is mounted` };
		rmSync(this.path(name), { recursive: true });
		this.volumes.delete(name);
		return {};
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.close();
		for (const name of this.volumes.keys()) unmount(this.path(name), { detach: true });
	}
}
