/** A client whose service is away, comes back, breaks off, or is of another version. */
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Address, client } from "./client.ts";
import { caught, change, EchoService, type Place, place, type Text, WAYS } from "./testing/echo.ts";

describe.each(WAYS)("%s", (_, options) => {
	let here: Place;
	beforeEach(() => {
		here = place(options);
	});
	afterEach(() => here[Symbol.asyncDispose]());

	describe("a service that is away", () => {
		test("is a fault that says what to do, with and without a request id", async () => {
			const c = here.client();
			for (const call of [() => c.say({ text: "" }), () => c.change(change("", "id"))]) {
				expect(await caught(call())).toMatchObject({
					code: "UNAVAILABLE",
					reason: "SERVICE_UNAVAILABLE",
					message: `echod does not answer at ${here.socket}: is it running?`,
					help: "`wharf up` starts what does not run; `wharf status` shows how the services are.",
				});
			}
		});

		test("is asked again at the very next call", async () => {
			const c = here.client();
			for (let round = 0; round < 3; round += 1) {
				expect(await caught(c.say({ text: "" }))).toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
				const server = await here.serve();
				expect(await c.say({ text: "back" })).toEqual({ text: "back" });
				await server.close();
			}
		});

		test("without a request id is not asked twice; with one it is, within the deadline", async () => {
			let connections = 0;
			const closing = createServer((socket) => {
				connections += 1;
				socket.destroy();
			});
			await new Promise<void>((resolve) => {
				closing.listen(here.socket, resolve);
			});
			const c = here.client({ retry: { limit: 3, firstDelayMs: 1 } });
			expect(await caught(c.say({ text: "" }))).toMatchObject({ code: "UNAVAILABLE" });
			const once = connections;
			expect(await caught(c.change(change("", "")))).toMatchObject({ code: "UNAVAILABLE" });
			expect(connections).toBe(once * 2);
			expect(await caught(c.change(change("", "id")))).toMatchObject({ code: "UNAVAILABLE" });
			expect(connections).toBe(once * 6);
			const late = c.change(change("", "id"), { timeoutMs: 1 });
			expect(await caught(late)).toMatchObject({ name: "Fault" });
			await new Promise((resolve) => {
				closing.close(resolve);
			});
		});

		test("and comes back while a request with an id waits: it is answered", async () => {
			const dead = createServer((socket) => socket.destroy());
			await new Promise<void>((resolve) => {
				dead.listen(here.socket, resolve);
			});
			const asking = here.client().change(change("x", "id"));
			await new Promise((resolve) => {
				dead.once("connection", resolve);
			});
			await new Promise((resolve) => {
				dead.close(resolve);
			});
			await here.serve();
			expect(await asking).toEqual({ text: "x" });
		});
	});

	describe("a connection that breaks", () => {
		/** Passes bytes between the client and the server until it is cut. */
		async function relay(): Promise<{ address: Address; cut(): void } & AsyncDisposable> {
			const unix = join(here.directory, "relay.sock");
			const sockets = new Set<Socket>();
			const server = createServer((near) => {
				const far = connect(here.socket);
				for (const socket of [near, far]) {
					sockets.add(socket);
					socket.on("error", () => undefined);
				}
				near.pipe(far).pipe(near);
			});
			await new Promise<void>((resolve) => {
				server.listen(unix, resolve);
			});
			const cut = () => {
				for (const socket of sockets) socket.destroy();
			};
			const close = () => {
				cut();
				return new Promise<void>((resolve) => {
					server.close(() => resolve());
				});
			};
			return { address: { unix }, cut, [Symbol.asyncDispose]: close };
		}

		test("under an upload: the server knows it is not complete, the client that it failed", async () => {
			const ended = Promise.withResolvers<unknown>();
			const begun = Promise.withResolvers<void>();
			await here.serve({
				talk: async function* (inputs) {
					try {
						for await (const input of inputs) {
							begun.resolve();
							yield input;
						}
						ended.resolve("complete");
					} catch (error) {
						ended.resolve(error);
						throw error;
					}
				},
			});
			await using between = await relay();
			using c = client(EchoService, between.address, options);
			async function* endless(): AsyncGenerator<Text> {
				yield { text: "a" };
				await new Promise(() => undefined);
			}
			const talking = caught(Array.fromAsync(c.talk(endless())));
			await begun.promise;
			between.cut();
			expect(await talking).toMatchObject({ code: "UNAVAILABLE" });
			expect(await ended.promise).toMatchObject({ reason: "CANCELLED" });
		});

		test("under a download: the client knows that it is not complete", async () => {
			await here.serve({
				watch: async function* (text, { signal }) {
					yield text;
					await new Promise((resolve) => {
						signal.addEventListener("abort", resolve, { once: true });
					});
				},
			});
			await using between = await relay();
			using c = client(EchoService, between.address, options);
			const watching = async () => {
				for await (const _ of c.watch({ text: "a" })) between.cut();
			};
			expect(await caught(watching())).toMatchObject({ code: "UNAVAILABLE", reason: "SERVICE_UNAVAILABLE" });
		});
	});

	test("a method that the service does not know says so", async () => {
		await here.serve();
		const { say } = EchoService;
		using c = client({ shout: { ...say, path: "/wharf.test.v1.EchoService/Shout" } }, { unix: here.socket }, options);
		expect(await caught(c.shout({ text: "" }))).toMatchObject({ code: "UNIMPLEMENTED", reason: "NOT_SERVED" });
	});

	test("messages over 8 MiB are a fault, one way and the other", async () => {
		await here.serve({ say: (text) => (text === "much" ? "x".repeat(9 * 1024 * 1024) : text) });
		const c = here.client();
		for (const text of ["much", "x".repeat(9 * 1024 * 1024)]) {
			expect(await caught(c.say({ text }))).toMatchObject({ code: "RESOURCE_EXHAUSTED", reason: "MESSAGE_TOO_LARGE" });
		}
		expect(await c.say({ text: "still there" })).toEqual({ text: "still there" });
	});
});

test("the client loads no more than it needs: the command line starts with it", async () => {
	const source = `
		import { parentPort } from "node:worker_threads";
		import { createRequire } from "node:module";
		await import(${JSON.stringify(new URL("./client.ts", import.meta.url).href)});
		parentPort.postMessage(Object.keys(createRequire(${JSON.stringify(import.meta.url)}).cache));`;
	const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`));
	const loaded = await new Promise<string[]>((resolve, reject) => {
		worker.once("message", resolve);
		worker.once("error", reject);
	});
	await worker.terminate();
	const packages = new Set(loaded.map((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]));
	expect(packages).toContain("@grpc/grpc-js");
	for (const heavy of ["@grpc/reflection", "@grpc/proto-loader", "grpc-health-check", "protobufjs"]) {
		expect(packages).not.toContain(heavy);
	}
});
