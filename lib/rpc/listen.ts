/**
 * The sockets of a server. A unix socket is never seen with more rights than it is to have: it is made with a umask and opened afterwards.
 *
 * They are `net.Server`s of ours whose connections are handed to gRPC: gRPC's own bind says nothing about rights, and its
 * `forceShutdown` (1.14, channelz off) leaves connections open.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { type AddressInfo, connect, createServer, type ListenOptions, type Server, type Socket } from "node:net";
import { dirname } from "node:path";
import { type Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import { addressText, readTls, type TcpAddress } from "./address.ts";
import { rpcFaults } from "./faults.ts";

export interface Listen {
	readonly unix: string;
	/** 0660 unless given. */
	readonly mode?: number;
	/** The socket's group. Unless given it is `wharf` where there is one, else the process's own. */
	readonly group?: string;
	/** Also TCP, with mutual TLS only. Port 0 takes a free one. */
	readonly tcp?: TcpAddress;
}

export interface Listener {
	/** Of TCP. */
	readonly port: number | undefined;
	/** No new connections; a unix socket's file goes. Resolves when the connections that are left have ended. */
	stop(): Promise<void>;
	/** Cuts the connections that are left. */
	cut(): void;
}

const DEFAULT_MODE = 0o660;
const DEFAULT_GROUP = "wharf";
/** `sockaddr_un.sun_path` without its final NUL, unix(7). */
const MAX_PATH_BYTES = 107;

/** Faults: ALREADY_RUNNING, SOCKET_PATH_TAKEN, SOCKET_PATH_TOO_LONG, GROUP_UNKNOWN, LISTEN_FAILED. */
export async function listenUnix(service: string, listen: Listen, grpc: GrpcServer): Promise<Listener> {
	const { unix: path, mode = DEFAULT_MODE } = listen;
	if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
		throw rpcFaults.SOCKET_PATH_TOO_LONG({ path, max: String(MAX_PATH_BYTES) });
	}
	const group = groupId(listen.group);
	makeDirectory(path);
	await removeStale(service, path);
	const umask = process.umask(0o177);
	let bound: Promise<Listener>;
	try {
		bound = listenFor(grpc, ServerCredentials.createInsecure(), { path }, path); // the socket is made before it returns
	} finally {
		process.umask(umask);
	}
	const listener = await bound;
	if (group !== undefined) chownSync(path, -1, group);
	chmodSync(path, mode);
	return listener;
}

/** Who shows no certificate of the CA is refused in the handshake. Faults: TLS_FILE_UNREADABLE, LISTEN_FAILED. */
export async function listenTcp(tcp: TcpAddress, grpc: GrpcServer): Promise<Listener> {
	const { cert, key, ca } = readTls(tcp.tls);
	const credentials = ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], true);
	return listenFor(grpc, credentials, { host: tcp.host, port: tcp.port }, addressText({ tcp }));
}

function listenFor(
	grpc: GrpcServer,
	credentials: ServerCredentials,
	where: ListenOptions,
	address: string,
): Promise<Listener> {
	const connections = new Set<Socket>();
	const injector = grpc.createConnectionInjector(credentials);
	const server = createServer({ noDelay: true }, (connection) => {
		connections.add(connection);
		connection.once("close", () => connections.delete(connection));
		injector.injectConnection(connection);
	});
	const listener = (): Listener => ({
		port: portOf(server),
		stop: () =>
			new Promise((resolve) => {
				server.close(() => resolve());
			}),
		cut: () => {
			for (const connection of connections) connection.destroy();
		},
	});
	return new Promise((resolve, reject) => {
		server.once("listening", () => resolve(listener()));
		server.once("error", (error) => reject(listenFailed(address, error)));
		server.listen(where);
	});
}

function portOf(server: Server): number | undefined {
	const bound: AddressInfo | string | null = server.address();
	return typeof bound === "object" ? bound?.port : undefined;
}

function makeDirectory(path: string): void {
	try {
		mkdirSync(dirname(path), { recursive: true });
	} catch (error) {
		throw listenFailed(path, error);
	}
}

function listenFailed(address: string, error: unknown) {
	const detail = error instanceof Error ? error.message : String(error);
	return rpcFaults.LISTEN_FAILED({ address, detail }, { cause: error });
}

/** A socket that nobody listens at was left by a process that died: it is removed. */
async function removeStale(service: string, path: string): Promise<void> {
	const stat = lstatSync(path, { throwIfNoEntry: false });
	if (!stat) return;
	if (!stat.isSocket()) throw rpcFaults.SOCKET_PATH_TAKEN({ path });
	if (await answers(path)) throw rpcFaults.ALREADY_RUNNING({ service, path });
	rmSync(path, { force: true });
}

/** Only a refusal says that nobody is there: a full queue or a missing right says the opposite. */
function answers(path: string): Promise<boolean> {
	return new Promise((resolve) => {
		const probe = connect(path);
		probe.once("connect", () => {
			probe.destroy();
			resolve(true);
		});
		probe.once("error", (error: NodeJS.ErrnoException) =>
			resolve(error.code !== "ECONNREFUSED" && error.code !== "ENOENT"),
		);
	});
}

function groupId(asked: string | undefined): number | undefined {
	const name = asked ?? DEFAULT_GROUP;
	for (const line of readFileSync("/etc/group", "utf8").split("\n")) {
		const [group, , id] = line.split(":");
		if (group === name) return Number(id);
	}
	if (asked !== undefined) throw rpcFaults.GROUP_UNKNOWN({ group: asked });
	return undefined;
}
