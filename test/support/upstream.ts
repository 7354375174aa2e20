/** The resolver that a played host is configured with: dnsmasq in the network outside of it. It logs what it is asked. */
import type { Child } from "#lib/exec/run.ts";
import { eventually } from "./eventually.ts";
import { type Host, OUTSIDE_ADDRESS } from "./host.ts";

/** dnsmasq that knows nothing but what it is told, for who starts one of his own. */
export const BARE_DNSMASQ =
	"--keep-in-foreground --no-resolv --no-hosts --conf-file=/dev/null --user=root --pid-file=".split(" ");
/** On the played host's own tmpfs. */
const LOG = "/run/upstream.log";

export class Upstream {
	readonly #host: Host;
	readonly #child: Child;

	private constructor(host: Host, child: Child) {
		this.#host = host;
		this.#child = child;
	}

	/** It knows what dnsmasq's options say, as `--address=/example.test/192.0.2.1`, and that there is nothing else. */
	static async start(host: Host, ...known: readonly string[]): Promise<Upstream> {
		const logged = ["--log-queries", `--log-facility=${LOG}`];
		const child = host.start("dnsmasq", [...BARE_DNSMASQ, ...logged, "--address=/#/", ...known], { netns: "outside" });
		const query = ["+short", "+tries=1", "+time=1", `@${OUTSIDE_ADDRESS}`, "ready.example"];
		await eventually(() => host.ok("dig", query));
		return new Upstream(host, child);
	}

	/** How often it was asked for a name, of any type. */
	async asked(name: string): Promise<number> {
		const lines = (await this.#host.ok("cat", [LOG])).split("\n");
		return lines.filter((line) => / query\[\w+\] (\S+) from /.exec(line)?.[1] === name).length;
	}

	/** To be done before the host is taken down: its audit finds every process. */
	async end(): Promise<void> {
		this.#child.kill();
		await this.#child.done;
	}
}
