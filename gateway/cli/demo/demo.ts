/** The tour: every step is a command line of wharf, run as a person would run it, printed with its time. */
import { mkdirSync, statSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { join } from "node:path";
import { type Output, run } from "#lib/exec/run.ts";
import { Fault } from "#lib/fault/fault.ts";
import { TOUR } from "../../supervisor/instance-files.ts";
import { packageRoot } from "../../package-root.ts";
import { columns } from "../syntax/help.ts";
import { elapsed } from "../output/quantity.ts";
import { syntaxFaults } from "../syntax/faults.ts";
import type { Terminal } from "../terminal.ts";
import {
	GREETING,
	LABEL,
	NETWORK,
	networkSteps,
	nodePrograms,
	perlPrograms,
	SERVER,
	shellLine,
	type Step,
	VOLUMES,
	volumeSteps,
} from "./steps.ts";

const ANY_STATUS = Array.from({ length: 256 }, (_, status) => status);
const FETCH_ATTEMPTS = 100;
const FETCH_RETRY_MS = 50;

export async function runDemo(terminal: Terminal, port: string): Promise<number> {
	if (!/^[1-9]\d{0,4}$/.test(port) || Number(port) > 65_535) {
		throw syntaxFaults.INVALID_VALUE({ what: "The port", value: port, allowed: "a port from 1 to 65535" });
	}
	const tour = new Tour(terminal);
	await tour.step({ does: "the services, and a private nats-server", args: ["up"] });
	await tour.removeFormer();
	const sameDisk = statSync(process.execPath).dev === statSync("/").dev;
	const programs = sameDisk ? nodePrograms(process.execPath) : perlPrograms();
	for (const step of networkSteps(programs, port)) await tour.step(step);
	await tour.fetchFromHost(`http://127.0.0.1:${port}/`);
	const folder = join(terminal.paths.root, TOUR);
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	for (const step of volumeSteps(join(folder, "demo-data.tar"))) await tour.step(step);
	await terminal.out(epilogue(port, terminal.paths.root));
	return 0;
}

class Tour {
	readonly #terminal: Terminal;

	constructor(terminal: Terminal) {
		this.#terminal = terminal;
	}

	/** A step that fails ends the tour with what it said. */
	async step({ does, args, shows }: Step): Promise<void> {
		await this.#timed(does, `wharf ${shellLine(args)}`, async () => {
			const { exitCode, stdout, stderr } = await this.#wharf(args);
			const said = (stderr.trim() || stdout.trim()).replace(/^wharf: /, "");
			if (exitCode !== 0) throw failed(does, said || `exit status ${exitCode}`);
			if (shows !== undefined && !stdout.includes(shows))
				throw failed(does, `${shows} was expected, and it said: ${said}`);
			return shows === undefined ? "" : stdout.trim();
		});
	}

	async fetchFromHost(url: string): Promise<void> {
		await this.#timed("the host fetches the published port", `curl ${url}`, async () => {
			for (let attempt = 1; ; attempt++) {
				try {
					const text = await (await fetch(url)).text();
					if (!text.includes(GREETING)) throw failed("fetching", `${url} answers, and is not the tour's server`);
					return text.trim();
				} catch (error) {
					if (error instanceof Fault) throw error;
					if (attempt === FETCH_ATTEMPTS) throw failed("fetching", `${url} does not answer: ${String(error)}`);
					await sleep(FETCH_RETRY_MS);
				}
			}
		});
	}

	/** What a former tour made, and nothing else: a container of the same name without the label is somebody's. */
	async removeFormer(): Promise<void> {
		const inspected = await this.#wharf(["inspect", SERVER]);
		const [found] = JSON.parse(inspected.stdout || "[]") as { Config?: { Labels?: Record<string, string> } }[];
		if (found !== undefined && found.Config?.Labels?.[LABEL] === undefined) {
			throw failed(
				"the tour",
				`there is a container ${SERVER} that is not the tour's: remove or keep it, but not both`,
			);
		}
		await this.#wharf(["rm", "-f", "-v", SERVER]);
		await this.#wharf(["network", "rm", NETWORK]);
		await this.#wharf(["volume", "rm", ...VOLUMES]);
	}

	async #timed(does: string, line: string, body: () => Promise<string>): Promise<void> {
		await this.#terminal.out(`\n# ${does}\n$ ${line}\n`);
		const startedAt = performance.now();
		const shown = await body();
		const time = elapsed(performance.now() - startedAt);
		await this.#terminal.out(shown === "" ? `  done in ${time}\n` : `  ${shown}\n  done in ${time}\n`);
	}

	#wharf(args: readonly string[]): Promise<Output> {
		return run(join(packageRoot(), "bin/wharf"), args, {
			env: { WHARF_ROOT: this.#terminal.paths.root },
			acceptExit: ANY_STATUS,
		});
	}
}

function failed(step: string, problem: string): Fault {
	return new Fault({
		code: "FAILED_PRECONDITION",
		reason: "DEMO_FAILED",
		domain: "cli",
		message: `The tour stops at "${step}": ${problem}`,
		metadata: { step, problem },
	});
}

function epilogue(port: string, root: string): string {
	const lines = (rows: readonly (readonly [string, string])[]): string => `${columns(rows).join("\n")}\n`;
	const next = lines([
		["wharf ps", "what runs"],
		[`curl http://127.0.0.1:${port}/`, "the web server"],
		[`wharf exec ${SERVER} cat /etc/hosts`, "a look inside"],
		[`wharf network inspect ${NETWORK}`, "addresses and names"],
		["wharf events", "what happens, as it happens"],
		[`tar tvf ${join(root, TOUR, "demo-data.tar")}`, "the backup"],
	]);
	const end = lines([
		["wharf down", "the services; containers go on"],
		["wharf down --all --volumes", "everything"],
	]);
	return `\nAll of it works. The services and the web server go on. Try next:\n${next}\nTake it down:\n${end}`;
}
