/**
 * Where everything of one instance is: all under one root, so that several instances live on one machine.
 *
 * Pure: it names paths and makes none of them.
 */
import { isAbsolute, join, resolve } from "node:path";
import { configFaults } from "./faults.ts";

const DEFAULT_ROOT = "/var/lib/wharf";

/** `sun_path` of unix(7) holds 108 bytes with its closing zero. */
const SOCKET_PATH_BYTES = 107;
/** The longest `/run/<service>.sock` that is to fit below any root that is accepted. */
const LONGEST_SOCKET = "/run/0123456789abcdef.sock";

export class Paths {
	readonly root: string;

	/** A root that is not absolute, or too long for the sockets below it, is a Fault. */
	constructor(root: string) {
		const longest = SOCKET_PATH_BYTES - LONGEST_SOCKET.length;
		if (!isAbsolute(root) || root.includes("\0") || Buffer.byteLength(root) > longest) {
			throw configFaults.INVALID_SETTING({
				setting: "WHARF_ROOT",
				value: JSON.stringify(root),
				allowed: `an absolute path of at most ${longest} bytes`,
			});
		}
		this.root = resolve(root);
	}

	/** The root that the environment names, or /var/lib/wharf. */
	static fromEnv(env: NodeJS.ProcessEnv): Paths {
		return new Paths(env["WHARF_ROOT"] || DEFAULT_ROOT);
	}

	/** The settings file that all processes of the instance read. */
	get settings(): string {
		return join(this.root, "wharf.json");
	}

	/** A service's SQLite file. */
	state(service: string): string {
		return join(this.root, "state", `${service}.db`);
	}

	get run(): string {
		return join(this.root, "run");
	}

	/** A service's unix socket. */
	socket(service: string): string {
		return join(this.run, `${service}.sock`);
	}

	/** The folder of the network namespaces' bind mounts. */
	get netnsDir(): string {
		return join(this.run, "netns");
	}

	netns(id: string): string {
		return join(this.netnsDir, id);
	}

	get volumes(): string {
		return join(this.root, "volumes");
	}

	get containers(): string {
		return join(this.root, "containers");
	}

	/** The private nats-server's configuration and data. */
	get nats(): string {
		return join(this.root, "nats");
	}

	get logs(): string {
		return join(this.root, "logs");
	}
}
