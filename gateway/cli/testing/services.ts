/** Services that answer as a test says, at the sockets where commands look for them; and commands, run as the command line runs them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Paths } from "#lib/config/paths.ts";
import { createLog } from "#lib/log/log.ts";
import type { Definition, RequestOf, ResponseOf } from "#lib/rpc/definition.ts";
import { type Implementation, unary } from "#lib/rpc/handler.ts";
import { serve } from "#lib/rpc/serve.ts";
import { find } from "../catalog.ts";
import { sentence } from "../run-command-line.ts";
import type { Command } from "../syntax/command.ts";
import { parse } from "../syntax/parse.ts";
import type { Terminal } from "../terminal.ts";

type Answers<D> = { readonly [K in keyof D]?: (request: RequestOf<D[K]>) => ResponseOf<D[K]> };

/** Answers some of a service's unary requests; the others are a bug of the test. */
export function answers<const D extends Definition>(definition: D, given: Answers<D>): Implementation {
	const names = Object.keys(definition).filter((name) => Object.hasOwn(given, name));
	const run = (name: keyof D) => (request: unknown) => {
		const answer = given[name];
		if (answer === undefined) throw new Error(`no answer to ${String(name)}`);
		// A handler is called with requests of its method only.
		return answer(request as RequestOf<D[keyof D]>);
	};
	const whole = <T>(message: T): T => message;
	const handlers = Object.fromEntries(
		names.map((name) => [name, unary({ parse: whole, run: run(name), render: whole })]),
	);
	return { definition: Object.fromEntries(names.map((name) => [name, definition[name]])) as Definition, handlers };
}

interface Ended {
	readonly status: number;
	readonly out: string;
	readonly err: string;
}

interface Stage extends AsyncDisposable {
	serve(name: "netd" | "volumed" | "gateway", ...services: Implementation[]): Promise<void>;
	/** Standard output is a person's terminal; false at first. */
	outIsTty: boolean;
	/** In the directory `/home/me`; `stdin` is all that is typed; `interrupted` is aborted as by Ctrl-C, with `SIGINT`. */
	wharf(args: readonly string[], stdin?: string, interrupted?: AbortSignal): Promise<Ended>;
}

export function stage(): Stage {
	const stack = new AsyncDisposableStack();
	const root = mkdtempSync(join(tmpdir(), "wharf-cli-"));
	stack.defer(() => rmSync(root, { recursive: true, force: true }));
	const paths = new Paths(root);
	return {
		outIsTty: false,
		async serve(name, ...services) {
			const log = createLog({ service: name, level: "silent" });
			stack.use(await serve({ name, listen: { unix: paths.socket(name) }, services, log }));
		},
		wharf(args, stdin = "", interrupted = new AbortController().signal) {
			return run(args, stdin, paths, interrupted, this.outIsTty);
		},
		[Symbol.asyncDispose]: () => stack.disposeAsync(),
	};
}

async function run(
	args: readonly string[],
	stdin: string,
	paths: Paths,
	interrupted: AbortSignal,
	outIsTty: boolean,
): Promise<Ended> {
	const written = { out: "", err: "" };
	const write = (to: "out" | "err") => async (text: string | Uint8Array) =>
		void (written[to] += Buffer.from(text).toString());
	const terminal: Terminal = {
		out: write("out"),
		err: write("err"),
		outIsTty,
		errIsTty: false,
		errColumns: undefined,
		stdin: (async function* () {
			yield Buffer.from(stdin);
		})(),
		env: {},
		cwd: "/home/me",
		paths,
		interruptible: () => interrupted,
	};
	const found = find(args);
	if (found.kind !== "command") throw new Error(`there is no command ${args.join(" ")}`);
	// oxlint-disable-next-line typescript/no-explicit-any -- its own flags are its own affair; `parse` and `run` agree on them.
	const command: Command<any> = (await found.entry.load()).default;
	try {
		const parsed = parse(command, found.args);
		if (parsed.help) throw new Error("help was asked for");
		return { status: await command.run({ ...parsed, terminal }), ...written };
	} catch (error) {
		await terminal.err(sentence(error));
		return { status: command.failureStatus ?? 1, ...written };
	}
}
