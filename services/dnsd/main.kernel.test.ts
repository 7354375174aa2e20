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

it("serves sandboxes, asks the host's resolvers as they are now, and heals after SIGKILL", async () => {
	const [host, inside] = [await scratch(), await scratch()];
	const root = mkdtempSync(join(tmpdir(), "dnsd-root-"));
	onTestFinished(() => rmSync(root, { recursive: true }));
	mkdirSync(join(root, "run"));
	const resolvConf = join(root, "resolv.conf");
	writeFileSync(resolvConf, "nameserver 127.0.0.53\n");
	upstream(host, "127.0.0.53", "192.0.2.53");
	upstream(host, "127.0.0.54", "192.0.2.54");
	await expect.poll(() => host.sockets()).toEqual(expect.arrayContaining(["udp 127.0.0.53:53", "udp 127.0.0.54:53"]));

	const web = told("web", "172.18.0.2", { netnsPath: inside.netnsPath, resolverPort: PORT });
	await using netd = await NameServiceDouble.start(join(root, "run/netd.sock"), 1n, web);
	await inside.redirect(PORT);
	const begin = (): Child => {
		const env = { WHARF_ROOT: root, WHARF_DNSD_RESOLV_CONF: resolvConf, WHARF_DNSD_TTL: "7s" };
		const dnsd = start("nsenter", [`--net=${host.netnsPath}`, process.execPath, MAIN], { env });
		onTestFinished(async () => {
			dnsd.kill("SIGKILL");
			await dnsd.done;
		});
		return dnsd;
	};
	const data = async (name: string) => (await inside.dig(53, name, "A")).answers.map((answer) => answer.at(-1));

	const first = begin();
	await expect.poll(() => netd.acknowledged.at(-1), { timeout: 10_000 }).toBe(1n);
	expect((await inside.dig(53, "web", "A")).answers).toEqual([["web.", "7", "IN", "A", "172.18.0.2"]]);
	expect(await data("example.test")).toEqual(["192.0.2.53"]);
	writeFileSync(resolvConf, "nameserver 127.0.0.54\n");
	await expect.poll(() => data("example.test"), { timeout: 5_000 }).toEqual(["192.0.2.54"]);

	first.kill("SIGKILL");
	await first.done;
	expect(await inside.sockets()).toEqual([]);
	const second = begin();
	await expect.poll(() => [netd.watches, netd.acknowledged.at(-1)], { timeout: 10_000 }).toEqual([2, 1n]);
	expect(await data("web")).toEqual(["172.18.0.2"]);

	second.kill("SIGTERM");
	const { exitCode, stderr } = await second.done;
	expect([exitCode, await inside.sockets()]).toEqual([0, []]);
	expect(stderr).toContain('"change":"resolver.open"');
});
