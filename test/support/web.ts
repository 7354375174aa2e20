/** The web server that containers run in tests: whatever else the machine lacks, it has the Node that runs the test. */

/** Answers every request with a text, or with the client's address when the text is `$client`. */
export function webServer(port: number, text: string): string[] {
	const body = text === "$client" ? "q.socket.remoteAddress" : JSON.stringify(text);
	const program = `require("node:http").createServer((q, r) => r.end(${body})).listen(${port}, "0.0.0.0")`;
	return [process.execPath, "-e", program];
}
