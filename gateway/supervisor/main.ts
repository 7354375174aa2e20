/**
 * The supervisor: a detached process that holds the services of one instance, and nats-server unless another one is configured.
 *
 * The services end when it ends, in whatever way: each has the read end of a pipe that only it writes to. SIGTERM ends all in good
 * order, the gateway first. What it knows is in the state file.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Paths } from "#lib/config/paths.ts";
import { createLog } from "#lib/log/log.ts";
import { checkHealth } from "#lib/rpc/check-health.ts";
import { program } from "../package-root.ts";
import { processStart } from "../runtime/process-start.ts";
import { takeLock } from "./lock.ts";
import { configPath, configuredNats, natsAnswers, preparePrivateNats } from "./nats.ts";
import { nodeOptions } from "./node-options.ts";
import { endStaleProcesses } from "./stale.ts";
import { removeState, type ServiceName, type SupervisorState, writeState } from "./state-file.ts";
import { type Program, Supervised } from "./supervised.ts";

/** What has to answer before a service is started. */
const NEEDS: Readonly<Record<ServiceName, readonly ServiceName[]>> = {
	nats: [],
	ipamd: [],
	volumed: [],
	netd: ["ipamd"],
	dnsd: ["netd"],
	gateway: ["netd", "volumed"],
};
/** Who asks is ended before who is asked. */
const END_ORDER: readonly (readonly ServiceName[])[] = [["gateway"], ["dnsd", "netd", "volumed"], ["ipamd"], ["nats"]];

const paths = Paths.fromEnv(process.env);
const log = createLog({ service: "supervisor" });
mkdirSync(paths.run, { recursive: true, mode: 0o755 });
if (!(await takeLock(paths))) process.exit(0); // somebody else was first, and brings up the same

const stopping = Promise.withResolvers<void>();
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => stopping.resolve());
process.on("uncaughtException", (err) => {
	log.error("an error that nobody caught", { err });
	process.exit(1);
});

let phase: SupervisorState["phase"] = "starting";
const self = { pid: process.pid, pidStart: processStart(process.pid) ?? "" };
const services = new Map<ServiceName, Supervised>();
const publish = (): void => {
	const state = { ...self, at: Date.now(), phase, services: [...services.values()].map((one) => one.state) };
	try {
		writeState(paths, state);
	} catch (err) {
		// A disk that is full must not end the services. What was said last still names this process.
		log.error("the state could not be written", { err });
	}
};

await endStaleProcesses(paths, log);
for (const one of await programs()) services.set(one.name, new Supervised(one, paths, log, publish));
publish();
const up = await startAll();
phase = up ? "up" : "failed";
publish();
log.info(up ? "up" : "given up");
if (up) await stopping.promise;
await stopAll();
process.exit(up ? 0 : 1);

async function programs(): Promise<Program[]> {
	const configured = configuredNats(paths, process.env);
	const common = {
		WHARF_ROOT: paths.root,
		WHARF_SUPERVISED: "1",
		NODE_COMPILE_CACHE: join(paths.run, "compile-cache"),
	};
	const service = (name: Exclude<ServiceName, "nats">, env: Record<string, string>): Program => {
		const node = nodeOptions(name);
		return {
			name,
			file: process.execPath,
			args: [...node.args, program(name)],
			env: { ...common, ...node.env, ...env },
			answers: async () => (await checkHealth({ unix: paths.socket(name) })) === "SERVING",
		};
	};
	const nats = configured === undefined ? await preparePrivateNats(paths) : undefined;
	const env: Record<string, string> =
		nats === undefined
			? {}
			: { WHARF_NATS_SERVERS: `127.0.0.1:${nats.port}`, WHARF_NATS_USER: nats.user, WHARF_NATS_PASS: nats.pass };
	return [
		...(nats === undefined
			? []
			: [
					{
						name: "nats",
						file: "nats-server",
						args: ["-c", configPath(paths)],
						env: {},
						answers: () => natsAnswers(nats.port),
					} as const,
				]),
		service("ipamd", env),
		service("netd", env),
		service("dnsd", env),
		service("volumed", env),
		service("gateway", env),
	];
}

/** False as soon as one is given up, or when the end is asked for first. */
async function startAll(): Promise<boolean> {
	const served = new Map<ServiceName, Promise<boolean>>();
	const startOne = (name: ServiceName): Promise<boolean> => {
		const known = served.get(name);
		if (known !== undefined) return known;
		const one = services.get(name);
		const answer = (async () => {
			const needed = await Promise.all(NEEDS[name].map(startOne));
			return one === undefined || (needed.every(Boolean) && one.start());
		})();
		served.set(name, answer);
		return answer;
	};
	const all = [...services.keys()].map(startOne);
	const given = Promise.withResolvers<boolean>();
	for (const one of all) void one.then((answers) => answers || given.resolve(false));
	void stopping.promise.then(() => given.resolve(false));
	void Promise.all(all).then(() => given.resolve(true));
	return given.promise;
}

async function stopAll(): Promise<void> {
	if (phase === "up") phase = "stopping";
	publish();
	for (const group of END_ORDER) await Promise.all(group.map(async (name) => services.get(name)?.stop()));
	if (phase === "stopping") removeState(paths);
	log.info("ended");
}
