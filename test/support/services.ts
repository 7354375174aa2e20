/** The processes of a host's services, found and ended as an accident would. */
import { processes } from "./audit/kernel.ts";
import { eventually } from "./eventually.ts";
import type { Host } from "./host.ts";

/** What the command line of a service, or of their supervisor, contains: from source and from the bundle. */
function patternOf(service: string): RegExp {
	if (service === "nats") return /(^|\/)nats-server /;
	if (service === "gateway") return /gateway\/serve\.ts|dist\/gateway\.js/;
	if (service === "supervisor") return /gateway\/supervisor\/main\.ts|dist\/supervisor\.js/;
	return new RegExp(`services/${service}/main\\.ts|dist/${service}\\.js`);
}

/** The process ids of a service, as the host counts them. */
export async function pidsOf(host: Host, service: string): Promise<number[]> {
	const pattern = patternOf(service);
	return (await processes(host))
		.filter(({ command, state }) => pattern.test(command) && !state.startsWith("Z"))
		.map(({ pid }) => pid);
}

/** Sends a signal to a service's process; SIGKILL unless told otherwise. */
export async function kill(host: Host, service: string, signal = "KILL"): Promise<void> {
	const pids = await pidsOf(host, service);
	if (pids.length === 0) throw new Error(`${service} does not run`);
	await host.run("kill", [`-${signal}`, ...pids.map(String)]);
}

/** Resolves when every service serves again: `wharf status` exits with 0 then, and with 1 otherwise. */
export async function settled(host: Host, timeoutMs = 30_000): Promise<void> {
	await eventually(() => host.wharfOk("status"), timeoutMs);
}
