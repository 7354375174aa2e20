/** TCP with mutual TLS: who has no certificate of the authority gets nowhere. */
import { join } from "node:path";
import { connect } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TlsFiles } from "./address.ts";
import { checkHealth } from "./check-health.ts";
import { client } from "./client.ts";
import type { Server } from "./serve.ts";
import { authority } from "./testing/certificates.ts";
import { caught, EchoService, type Place, place } from "./testing/echo.ts";

let here: Place;
let server: Server;
let own: TlsFiles;
let strangers: TlsFiles;

beforeAll(async () => {
	here = place();
	const ours = await authority(here.directory, "ours");
	const theirs = await authority(here.directory, "theirs");
	own = await ours.issue("client");
	strangers = await theirs.issue("stranger");
	const tcp = { host: "127.0.0.1", port: 0, tls: await ours.issue("server") };
	server = await here.serve({}, { listen: { unix: here.socket, tcp } });
});
afterAll(() => here[Symbol.asyncDispose]());

const at = (tls: TlsFiles) => ({ tcp: { host: "127.0.0.1", port: server.port ?? 0, tls } });

test("a certificate of the authority is let in; the unix socket serves as well", async () => {
	using c = client(EchoService, at(own));
	expect(await c.say({ text: "far" })).toEqual({ text: "far" });
	expect(await here.client().say({ text: "near" })).toEqual({ text: "near" });
	expect(await checkHealth(at(own))).toBe("SERVING");
});

test("another authority's is refused, by the client and by the server", async () => {
	using distrusts = client(EchoService, at(strangers));
	expect(await caught(distrusts.say({ text: "" }))).toMatchObject({ code: "UNAVAILABLE" });
	using distrusted = client(EchoService, at({ ...strangers, ca: own.ca }));
	expect(await caught(distrusted.say({ text: "" }))).toMatchObject({ code: "UNAVAILABLE" });
});

test("plain text gets nothing but the end of the connection", async () => {
	const socket = connect(server.port ?? 0, "127.0.0.1");
	socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	const bytes = await Array.fromAsync(socket as AsyncIterable<Buffer>).catch(() => []);
	expect(Buffer.concat(bytes).includes("grpc")).toBe(false);
});

test("a certificate that is not there is a fault, and nothing is left listening", async () => {
	const tls = { ...own, cert: join(here.directory, "missing.crt") };
	const unix = join(here.directory, "other.sock");
	const tcp = { host: "127.0.0.1", port: 0, tls };
	expect(await caught(here.serve({}, { listen: { unix, tcp } }))).toMatchObject({ reason: "TLS_FILE_UNREADABLE" });
	expect(await checkHealth({ unix })).toBe("UNREACHABLE");
});

test("a port that is taken is a fault that says which", async () => {
	const unix = join(here.directory, "other.sock");
	const tcp = { host: "127.0.0.1", port: server.port ?? 0, tls: own };
	expect(await caught(here.serve({}, { listen: { unix, tcp } }))).toMatchObject({
		reason: "LISTEN_FAILED",
		metadata: { address: `127.0.0.1:${server.port}` },
	});
});
