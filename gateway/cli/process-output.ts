/**
 * Standard output or standard error of this process, to the last byte or with the reason. A reader that went away (EPIPE) ends the process
 * quietly, as with other programs in a pipe.
 */
import { writeSync } from "node:fs";
import { Socket } from "node:net";
import { outputFaults } from "./output/faults.ts";

type Stream = NodeJS.WriteStream & { readonly fd: number };
type Write = (text: string | Uint8Array) => Promise<void>;

/** What it answers resolves when it is written: what a pipe has not taken yet is lost when the process exits. Fault: OUTPUT_FAILED. */
export function processOutput(name: string, stream: Stream): Write {
	stream.on("error", (error: NodeJS.ErrnoException) => {
		if (error.code === "EPIPE") process.exit(0);
	});
	const write = stream instanceof Socket ? intoStream : intoFile;
	return async (text) => {
		try {
			await write(stream, Buffer.from(text));
		} catch (error) {
			throw outputFaults.OUTPUT_FAILED({ name, problem: (error as Error).message }, { cause: error });
		}
	};
}

/** A pipe, a socket or a terminal. */
function intoStream(stream: Stream, bytes: Buffer): Promise<void> {
	return new Promise((resolve, reject) => void stream.write(bytes, (error) => (error ? reject(error) : resolve())));
}

/** Node's own stream for a file does not look how much of its bytes the file system has taken: the last ones of a full one would be lost. */
async function intoFile({ fd }: Stream, bytes: Buffer): Promise<void> {
	for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
}
