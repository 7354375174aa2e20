/**
 * One question to one server, over UDP from a socket of its own (a random port) or over TCP.
 *
 * The UDP socket is connected, so the kernel lets nothing in but from that server, and says at once when nobody is there. What is
 * not the answer is passed over in silence and waited on. From this process's own namespace: the host's.
 */
import { connect } from "node:net";
import { datagramSocket } from "../datagram.ts";
import { frameOf, Frames } from "../frames.ts";
import { isAnswerTo } from "./request.ts";
import type { Server } from "./server.ts";

/** Rejects when nobody is there, or with the signal's reason. `exact`: the answer repeats the name letter by letter. */
export function overUdp(server: Server, request: Buffer, signal: AbortSignal, exact: boolean): Promise<Buffer> {
	const socket = datagramSocket(server.family);
	return new Promise<Buffer>((resolve, reject) => {
		onAbort(signal, reject);
		socket.on("error", reject);
		socket.on("message", (response) => {
			if (isAnswerTo(request, response, exact)) resolve(response);
		});
		socket.connect(server.port, server.address, (error?: Error) => {
			if (error) reject(error);
			else if (!signal.aborted) socket.send(request);
		});
	}).finally(() => {
		socket.close();
	});
}

/** Rejects when the server cannot be reached, closes, or answers something else, or with the signal's reason. */
export function overTcp(server: Server, request: Buffer, signal: AbortSignal): Promise<Buffer> {
	const socket = connect({ host: server.address, port: server.port, noDelay: true });
	return new Promise<Buffer>((resolve, reject) => {
		onAbort(signal, reject);
		socket.on("connect", () => socket.write(frameOf(request)));
		socket.on("error", reject);
		socket.on("close", () => reject(new Error("the server closed the connection")));
		const frames = new Frames();
		socket.on("data", (chunk: Buffer) => {
			frames.put(chunk);
			const response = frames.take();
			if (response === undefined) return;
			if (isAnswerTo(request, response)) resolve(response);
			else reject(new Error("the server answered another question"));
		});
	}).finally(() => socket.destroy());
}

function onAbort(signal: AbortSignal, reject: (reason: unknown) => void): void {
	if (signal.aborted) reject(signal.reason);
	else signal.addEventListener("abort", () => reject(signal.reason), { once: true });
}
