/**
 * The sockets of a server. A unix socket is never seen with more rights than it is to have: it is made with a umask and opened afterwards.
 *
 * The socket is a `net.Server` of ours whose connections are handed to gRPC, because gRPC's own bind says nothing about rights.
 */
import { chmodSync, chownSync, lstatSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type Server as SocketServer } from "node:net";
import { dirname } from "node:path";
import { type Server as GrpcServer, ServerCredentials } from "@grpc/grpc-js";
import { addressText, readTls, type TcpAddress, target } from "./address.ts";
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

const DEFAULT_MODE = 0o660;
const DEFAULT_GROUP = "wharf";
/** `sockaddr_un.sun_path` with its final NUL, unix(7). */
const MAX_PATH_BYTES = 107;

/** Listens at `listen.unix`; the file goes when the socket server is closed. Faults: ALREADY_RUNNING, SOCKET_PATH_TAKEN, … */
export async function listenUnix(service: string, listen: Listen, grpc: GrpcServer): Promise<SocketServer> {
	const { unix: path, mode = DEFAULT_MODE } = listen;
	if (Buffer.byteLength(path) > MAX_PATH_BYTES) {
		throw rpcFaults.SOCKET_PATH_TOO_LONG({ path, max: String(MAX_PATH_BYTES) });
	}
	const group = groupId(listen.group);
	mkdirSync(dirname(path), { recursive: true });
	await removeStale(service, path);
	const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
	const sockets = createServer((connection) => injector.injectConnection(connection));
	const listening = new Promise<void>((resolve, reject) => {
		sockets.once("listening", resolve);
		sockets.once("error", (error: Error) =>
			reject(rpcFaults.LISTEN_FAILED({ address: path, detail: error.message }, { cause: error })),
		);
	});
	const umask = process.umask(0o177);
	try {
		sockets.listen(path); // binds before it returns
	} finally {
		process.umask(umask);
	}
	await listening;
	if (group !== undefined) chownSync(path, -1, group);
	chmodSync(path, mode);
	return sockets;
}

/** Gives the port, which is the system's choice where `tcp.port` is 0. */
export function listenTcp(tcp: TcpAddress, grpc: GrpcServer): Promise<number> {
	const { cert, key, ca } = readTls(tcp.tls);
	const credentials = ServerCredentials.createSsl(ca, [{ cert_chain: cert, private_key: key }], true);
	return new Promise((resolve, reject) => {
		grpc.bindAsync(target({ tcp }), credentials, (error, port) => {
			if (!error) return resolve(port);
			const address = addressText({ tcp });
			reject(rpcFaults.LISTEN_FAILED({ address, detail: error.message }, { cause: error }));
		});
	});
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
