/**
 * One question to one server: over UDP from a socket of its own (a random port), over TCP when the answer is cut short.
 *
 * The socket is connected, so the kernel lets nothing in but from that server, and says at once when nobody is there. What is
 * not the answer is passed over in silence and waited on. From this process's own namespace: the host's.
 */
import { connect } from "node:net";
import { datagramSocket } from "../datagram.ts";
import { isAnswerTo, isTruncated } from "./message.ts";
import type { Server } from "./server.ts";

const PREFIX_BYTES = 2;

/** Rejects when the server cannot be reached, or with the signal's reason. */
export async function exchange(server: Server, request: Buffer, signal: AbortSignal): Promise<Buffer> {
	const response = await overUdp(server, request, signal);
	return isTruncated(response) ? await overTcp(server, request, signal) : response;
}

function overUdp(server: Server, request: Buffer, signal: AbortSignal): Promise<Buffer> {
	const socket = datagramSocket(server.family);
	return new Promise<Buffer>((resolve, reject) => {
		onAbort(signal, reject);
		socket.on("error", reject);
		socket.on("message", (response) => {
			if (isAnswerTo(request, response)) resolve(response);
		});
		socket.connect(server.port, server.address, (error?: Error) => {
			if (error) reject(error);
			else if (!signal.aborted) socket.send(request);
		});
	}).finally(() => {
		socket.close();
	});
}

function overTcp(server: Server, request: Buffer, signal: AbortSignal): Promise<Buffer> {
	const socket = connect({ host: server.address, port: server.port, noDelay: true });
	return new Promise<Buffer>((resolve, reject) => {
		onAbort(signal, reject);
		const prefix = Buffer.alloc(PREFIX_BYTES);
		prefix.writeUInt16BE(request.length);
		socket.on("connect", () => socket.write(Buffer.concat([prefix, request])));
		socket.on("error", reject);
		socket.on("close", () => reject(new Error("the server closed the connection")));
		let received: Buffer = Buffer.alloc(0);
		socket.on("data", (chunk: Buffer) => {
			received = Buffer.concat([received, chunk]);
			if (received.length < PREFIX_BYTES) return;
			const end = PREFIX_BYTES + received.readUInt16BE(0);
			if (received.length < end) return;
			const response = received.subarray(PREFIX_BYTES, end);
			if (isAnswerTo(request, response)) resolve(response);
			else reject(new Error("the server answered another question"));
		});
	}).finally(() => socket.destroy());
}

function onAbort(signal: AbortSignal, reject: (reason: unknown) => void): void {
	if (signal.aborted) reject(signal.reason);
	else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
}
