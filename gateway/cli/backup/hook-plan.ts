/** Which commands are to be run in which containers before and after a backup: what their labels say, and what the command line says. */
import { type Container, ContainerServiceService, ListContainersRequest } from "#gen/wharf/container/v1/container.ts";
import type { Volume } from "#gen/wharf/volume/v1/volume.ts";
import { allPages } from "#lib/rpc/all-pages.ts";
import { connect } from "../requests.ts";
import { syntaxFaults } from "../syntax/faults.ts";
import type { Terminal } from "../terminal.ts";

export const BEFORE_LABEL = "wharf.backup.before";
export const AFTER_LABEL = "wharf.backup.after";

/** Of one container, each for a shell. */
export interface Hooks {
	/** Id or name. */
	readonly container: string;
	readonly before: readonly string[];
	readonly after: readonly string[];
}

/** `CONTAINER: COMMAND` of `--before` and `--after`, in the order given; a container's are together. Fault: INVALID_VALUE. */
export function parseHooks(before: readonly string[], after: readonly string[]): Hooks[] {
	const [first, last] = [
		before.map((text) => parseHook("--before", text)),
		after.map((text) => parseHook("--after", text)),
	];
	const containers = new Set([...first, ...last].map(({ container }) => container));
	const commandsIn = (container: string, hooks: typeof first): string[] =>
		hooks.filter((hook) => hook.container === container).map(({ command }) => command);
	return [...containers].map((container) => {
		return { container, before: commandsIn(container, first), after: commandsIn(container, last) };
	});
}

function parseHook(what: string, text: string): { readonly container: string; readonly command: string } {
	const [, container, command] = /^\s*([^\s:]+)\s*:\s*(\S.*)$/s.exec(text) ?? [];
	if (container !== undefined && command !== undefined) return { container, command: command.trimEnd() };
	throw syntaxFaults.INVALID_VALUE({ what, value: text, allowed: "'CONTAINER: COMMAND'" });
}

/** Those of containers that run and have one of the volumes mounted, by name. */
export async function labelledHooks(volumes: readonly Volume[], { paths }: Pick<Terminal, "paths">): Promise<Hooks[]> {
	const users = new Set(volumes.flatMap(({ containerIds }) => containerIds));
	// Nobody is asked who may be away.
	if (users.size === 0) return [];
	using gateway = connect(paths, "gateway", ContainerServiceService);
	const running = await allPages(
		(page) => gateway.listContainers(ListContainersRequest.fromPartial(page)),
		(answer) => answer.containers,
	);
	return running
		.filter(({ id }) => users.has(id))
		.map(hooksOf)
		.filter(({ before, after }) => before.length + after.length > 0)
		.toSorted((a, b) => (a.container < b.container ? -1 : 1));
}

function hooksOf({ id, spec }: Container): Hooks {
	const { name = id, labels = {} } = spec ?? {};
	const labelled = (label: string): string[] => (labels[label] === undefined ? [] : [labels[label]]);
	return { container: name, before: labelled(BEFORE_LABEL), after: labelled(AFTER_LABEL) };
}
