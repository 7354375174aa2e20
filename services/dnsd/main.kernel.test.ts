/** The daemon itself, in a namespace that plays the host: the host's resolvers live there, and dnsd is killed and comes back. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { type Child, start } from "#lib/exec/run.ts";
import { NameServiceDouble, told } from "./test-support/name-service.ts";
import { Scratch } from "./test-support/scratch.ts";

const PORT = 5330;
const MAIN = new URL("main.ts", import.meta.url).pathname;

async function scratch(): Promise<Scratch> {
	const made = await Scratch.create();
	onTestFinished(() => made[Symbol.asyncDispose]());
	return made;
}

/** A resolver of the host at a loopback address, as systemd-resolved is; it knows one name. */
function upstream(host: Scratch, listen: string, address: string): void {
	const quiet = [
		"--conf-file=/dev/null",
		"--no-resolv",
		"--no-hosts",
		"--user=root",
		"--pid-file=",
		"--bind-interfaces",
	];
	host.start("dnsmasq", "-k", ...quiet, `--listen-address=${listen}`, `--address=/example.test/${address}`);
}

/** The folder of an instance; the host's resolvers are named in the file `resolv.conf` of it. */
function instance(): string {
	const root = mkdtempSync(join(tmpdir(), "dnsd-root-"));
	onTestFinished(() => rmSync(root, { recursive: true }));
	mkdirSync(join(root, "run"));
	writeFileSync(join(root, "resolv.conf"), "nameserver 127.0.0.53\n");
	return root;
}

function daemon(host: Scratch, root: string, more: Readonly<Record<string, string>> = {}): Child {
	const env = { WHARF_ROOT: root, WHARF_DNSD_RESOLV_CONF: join(root, "resolv.conf"), WHARF_DNSD_TTL: "7s", ...more };
	const dnsd = start("nsenter", [`--net=${host.netnsPath}`, process.execPath, MAIN], { env });
	onTestFinished(async () => {
		dnsd.kill("SIGKILL");
		await dnsd.done;
	});
	return dnsd;
}

it("serves sandboxes, asks the host's resolvers as they are now, and heals after SIGKILL", async () => {
	const [host, inside] = [await scratch(), await scratch()];
	const root = instance();
	const resolvConf = join(root, "resolv.conf");
	upstream(host, "127.0.0.53", "192.0.2.53");
	upstream(host, "127.0.0.54", "192.0.2.54");
	upstream(host, "::1", "192.0.2.6");
	await expect
		.poll(() => host.sockets())
		.toEqual(expect.arrayContaining(["udp 127.0.0.53:53", "udp 127.0.0.54:53", "udp [::1]:53"]));

	const web = told("web", "172.18.0.2", { netnsPath: inside.netnsPath, resolverPort: PORT });
	await using netd = await NameServiceDouble.start(join(root, "run/netd.sock"), 1n, web);
	await inside.redirect(PORT);
	const data = async (name: string) => (await inside.dig(53, name, "A")).answers.map((answer) => answer.at(-1));

	const first = daemon(host, root);
	await expect.poll(() => netd.acknowledged.at(-1), { timeout: 10_000 }).toBe(1n);
	expect((await inside.dig(53, "web", "A")).answers).toEqual([["web.", "7", "IN", "A", "172.18.0.2"]]);
	expect(await data("example.test")).toEqual(["192.0.2.53"]);
	writeFileSync(resolvConf, "nameserver 127.0.0.54\n");
	await expect.poll(() => data("example.test"), { timeout: 10_000 }).toEqual(["192.0.2.54"]);

	writeFileSync(resolvConf, "nameserver ::1\n");
	await expect.poll(() => data("example.test"), { timeout: 10_000 }).toEqual(["192.0.2.6"]);

	first.kill("SIGKILL");
	await first.done;
	expect(await inside.sockets()).toEqual([]);
	const second = daemon(host, root);
	await expect.poll(() => [netd.watches, netd.acknowledged.at(-1)], { timeout: 10_000 }).toEqual([2, 1n]);
	expect(await data("web")).toEqual(["172.18.0.2"]);

	second.kill("SIGTERM");
	const { exitCode, stderr } = await second.done;
	expect([exitCode, await inside.sockets()]).toEqual([0, []]);
	expect(stderr).toContain('"change":"resolver.open"');
});

/** dnsd ends at the point; another takes its place, and then `app` is told. */
async function comesBack(point: string, end: (netd: NameServiceDouble) => Promise<void>): Promise<Scratch> {
	const [host, inside, other] = [await scratch(), await scratch(), await scratch()];
	const root = instance();
	const web = told("web", "172.18.0.2", { netnsPath: inside.netnsPath, resolverPort: PORT });
	const app = told("app", "172.18.0.3", { netnsPath: other.netnsPath, resolverPort: PORT });
	await using netd = await NameServiceDouble.start(join(root, "run/netd.sock"), 1n, web);
	const first = daemon(host, root, { WHARF_KILL_POINT: point });
	await end(netd);
	expect(await first.done).toMatchObject({ signal: "SIGKILL" });
	const revision = netd.put(app);
	daemon(host, root);
	await expect.poll(() => [netd.watches, netd.acknowledged.at(-1)], { timeout: 10_000 }).toEqual([2, revision]);
	expect(await other.dig(PORT, "app", "A")).toMatchObject({ status: "NOERROR" });
	return inside;
}

it("comes back after an end when the first sockets were open", async () => {
	const inside = await comesBack("dnsd.sockets.opened", () => Promise.resolve());
	expect(await inside.sockets()).toHaveLength(2);
});

it("comes back after an end when sockets were closed and nothing was acknowledged", async () => {
	const inside = await comesBack("dnsd.sockets.closed", async (netd) => {
		await expect.poll(() => netd.acknowledged.at(-1), { timeout: 10_000 }).toBe(1n);
		netd.remove("s-web");
	});
	expect(await inside.sockets()).toEqual([]);
});
