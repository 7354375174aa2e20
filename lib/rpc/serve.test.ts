/** Sockets, health, the log and the end of a server. */
import { existsSync, linkSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkHealth } from "./check-health.ts";
import { client } from "./client.ts";
import { HealthService, ServingStatus } from "./health-definition.ts";
import { caught, change, type Place, place, WAYS } from "./testing/echo.ts";

let here: Place;
beforeEach(() => {
	here = place();
});
afterEach(() => here[Symbol.asyncDispose]());

const modeOf = (path: string) => (statSync(path).mode & 0o7777).toString(8);

describe("the socket", () => {
	test("is 0660, or as asked, and goes with the server; its directory is made", async () => {
		const socket = join(here.directory, "run", "deep", "echod.sock");
		const server = await here.serve({}, { listen: { unix: socket } });
		expect(modeOf(socket)).toBe("660");
		await server.close();
		expect(existsSync(socket)).toBe(false);
		await here.serve({}, { listen: { unix: socket, mode: 0o600 } });
		expect(modeOf(socket)).toBe("600");
	});

	test("leaves the process's umask as it was", async () => {
		const before = process.umask();
		await here.serve();
		expect(process.umask()).toBe(before);
	});

	test("gets the group asked for, by its number in /etc/group", async () => {
		const own = process.getgid?.();
		const line = readFileSync("/etc/group", "utf8")
			.split("\n")
			.find((entry) => entry.split(":")[2] === String(own));
		const [group = ""] = line?.split(":") ?? [];
		await here.serve({}, { listen: { unix: here.socket, group } });
		expect(statSync(here.socket).gid).toBe(own);
	});

	test("of a group that is not there is refused, and no socket is made", async () => {
		const error = await caught(here.serve({}, { listen: { unix: here.socket, group: "no-such-group" } }));
		expect(error).toMatchObject({ reason: "GROUP_UNKNOWN", metadata: { group: "no-such-group" } });
		expect(existsSync(here.socket)).toBe(false);
	});

	test("that a dead process left is replaced", async () => {
		// A name for a socket that nobody listens at: what SIGKILL leaves.
		const dead = createServer();
		await new Promise<void>((resolve) => {
			dead.listen(`${here.socket}.first`, resolve);
		});
		linkSync(`${here.socket}.first`, here.socket);
		await new Promise((resolve) => {
			dead.close(resolve);
		});
		await here.serve();
		expect(await here.client().say({ text: "x" })).toEqual({ text: "x" });
	});

	test("that somebody answers at is a fault, and the other stays in service", async () => {
		await here.serve();
		const error = await caught(here.serve());
		expect(error).toMatchObject({ code: "FAILED_PRECONDITION", reason: "ALREADY_RUNNING" });
		expect(await here.client().say({ text: "x" })).toEqual({ text: "x" });
	});

	test("does not replace a file that is no socket", async () => {
		writeFileSync(here.socket, "precious");
		expect(await caught(here.serve())).toMatchObject({ reason: "SOCKET_PATH_TAKEN" });
		expect(readFileSync(here.socket, "utf8")).toBe("precious");
	});

	test("in a path that the kernel does not take is a fault", async () => {
		const long = join(here.directory, "x".repeat(100), "s.sock");
		expect(await caught(here.serve({}, { listen: { unix: long } }))).toMatchObject({ reason: "SOCKET_PATH_TOO_LONG" });
	});

	test("where a directory cannot be is a fault", async () => {
		mkdirSync(join(here.directory, "a"));
		writeFileSync(join(here.directory, "a", "file"), "");
		const unix = join(here.directory, "a", "file", "s.sock");
		expect(await caught(here.serve({}, { listen: { unix } }))).toMatchObject({ reason: "LISTEN_FAILED" });
	});
});

describe("health", () => {
	test("is told overall and per service, and changes", async () => {
		const server = await here.serve();
		using health = client(HealthService, { unix: here.socket });
		expect(await health.check({ service: "" })).toEqual({ status: ServingStatus.SERVING });
		expect(await health.check({ service: "wharf.test.v1.EchoService" })).toEqual({ status: ServingStatus.SERVING });
		expect(await caught(health.check({ service: "nobody" }))).toMatchObject({ code: "NOT_FOUND" });
		expect(await checkHealth({ unix: here.socket })).toBe("SERVING");
		server.setServing(false);
		expect(await checkHealth({ unix: here.socket })).toBe("NOT_SERVING");
	});

	test("is watched", async () => {
		const server = await here.serve();
		using health = client(HealthService, { unix: here.socket });
		const heard: number[] = [];
		for await (const { status } of health.watch({ service: "" })) {
			heard.push(status);
			if (heard.length === 1) server.setServing(false);
			if (heard.length === 2) server.setServing(true);
			if (heard.length === 3) break;
		}
		expect(heard).toEqual([ServingStatus.SERVING, ServingStatus.NOT_SERVING, ServingStatus.SERVING]);
	});

	test("of nobody is UNREACHABLE, and so is silence", async () => {
		expect(await checkHealth({ unix: here.socket })).toBe("UNREACHABLE");
		const connections: Socket[] = [];
		const silent = createServer((connection) => connections.push(connection.resume()));
		await new Promise<void>((resolve) => {
			silent.listen(here.socket, resolve);
		});
		for (let n = 0; n < 3; n += 1) {
			expect(await checkHealth({ unix: here.socket }, { timeoutMs: 50 })).toBe("UNREACHABLE");
		}
		expect(connections).toHaveLength(1);
		for (const connection of connections) connection.destroy();
		await new Promise((resolve) => {
			silent.close(resolve);
		});
	});

	test("checks are no lines of the log but debugging ones", async () => {
		await here.serve();
		await checkHealth({ unix: here.socket });
		expect(here.lines).toEqual([expect.objectContaining({ level: "debug", message: "request" })]);
	});
});

describe.each(WAYS)("the end, %s", (_, options) => {
	test("waits for requests that run, and refuses new ones", async () => {
		const begun = Promise.withResolvers<void>();
		const go = Promise.withResolvers<void>();
		const server = await here.serve({
			say: async (text) => {
				begun.resolve();
				await go.promise;
				return text;
			},
		});
		const c = here.client(options);
		const running = c.say({ text: "x" });
		await begun.promise;
		const closed = server.close();
		expect(await caught(c.change(change("late", "")))).toMatchObject({ code: "UNAVAILABLE", reason: "SHUTTING_DOWN" });
		go.resolve();
		expect(await running).toEqual({ text: "x" });
		await closed;
		expect(await caught(c.say({ text: "x" }))).toMatchObject({ reason: "SERVICE_UNAVAILABLE" });
	});

	test("waits for a mutation whose caller has gone to undo itself", async () => {
		const begun = Promise.withResolvers<void>();
		const undo = Promise.withResolvers<void>();
		let undone = false;
		const server = await here.serve({
			change: async (_, { signal }) => {
				begun.resolve();
				await new Promise((resolve) => {
					signal.addEventListener("abort", resolve, { once: true });
				});
				await undo.promise;
				undone = true;
				throw signal.reason;
			},
		});
		const leave = new AbortController();
		const asking = caught(here.client(options).change(change("x", "id"), { signal: leave.signal }));
		await begun.promise;
		leave.abort();
		await asking;
		const closed = server.close();
		undo.resolve();
		await closed;
		expect(undone).toBe(true);
	});

	test("ends streams at once, with a reason", async () => {
		const server = await here.serve({
			watch: async function* (text, { signal }) {
				yield text;
				await new Promise((resolve) => {
					signal.addEventListener("abort", resolve, { once: true });
				});
			},
		});
		const watching = async () => {
			for await (const _ of here.client(options).watch({ text: "x" })) void server.close();
		};
		expect(await caught(watching())).toMatchObject({ code: "UNAVAILABLE", reason: "SHUTTING_DOWN" });
	});

	test("does not wait for ever for a handler that never ends", async () => {
		const begun = Promise.withResolvers<void>();
		const aborted = Promise.withResolvers<unknown>();
		const server = await here.serve({
			say: (_, { signal }) => {
				begun.resolve();
				signal.addEventListener("abort", () => aborted.resolve(signal.reason), { once: true });
				return new Promise<never>(() => undefined);
			},
		});
		const asking = caught(here.client(options).say({ text: "x" }));
		await begun.promise;
		await server.close();
		expect(await aborted.promise).toMatchObject({ reason: "SHUTTING_DOWN" });
		expect(await asking).toMatchObject({ code: "UNAVAILABLE" });
	});
});
