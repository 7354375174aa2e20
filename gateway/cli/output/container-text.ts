/** A container as a line of `ps`. */
import { ContainerState, type Container } from "#gen/wharf/container/v1/container.ts";
import { publishedLine } from "./published.ts";
import { ago, duration } from "./quantity.ts";

const COMMAND_WIDTH = 20;

export const PS_HEADS = ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"] as const;

export function psRow(container: Container, now: Date): string[] {
	const { spec } = container;
	return [
		container.id.slice(0, 12),
		spec?.image ?? "",
		`"${shortened(spec?.command.join(" ") ?? "")}"`,
		container.createdAt === undefined ? "" : ago(container.createdAt, now),
		statusText(container, now),
		publishedLine(container.endpoints.flatMap(({ ports }) => ports)),
		spec?.name ?? "",
	];
}

/** What `ps --format json` prints of it. */
export function psJson(container: Container, now: Date): Record<string, string> {
	const [id, image, , running, status, ports, names] = psRow(container, now);
	return {
		ID: id ?? "",
		Image: image ?? "",
		Command: container.spec?.command.join(" ") ?? "",
		CreatedAt: container.createdAt?.toISOString() ?? "",
		RunningFor: running ?? "",
		State: stateWord(container.state),
		Status: status ?? "",
		Ports: ports ?? "",
		Names: names ?? "",
		Networks: container.endpoints.map(({ networkName }) => networkName).join(","),
		Labels: Object.entries(container.spec?.labels ?? {})
			.map(([key, value]) => `${key}=${value}`)
			.join(","),
	};
}

/** Docker's word for a state. */
export function stateWord(state: ContainerState): string {
	return state.replace(/^CONTAINER_STATE_/, "").toLowerCase();
}

function statusText({ state, startedAt, finishedAt, exitCode }: Container, now: Date): string {
	if (state === ContainerState.RUNNING) {
		return startedAt === undefined ? "Up" : `Up ${duration(now.getTime() - startedAt.getTime())}`;
	}
	if (state === ContainerState.EXITED) {
		return `Exited (${exitCode})${finishedAt === undefined ? "" : ` ${ago(finishedAt, now)}`}`;
	}
	return state === ContainerState.REMOVING ? "Removing" : "Created";
}

function shortened(text: string): string {
	const letters = [...text];
	return letters.length <= COMMAND_WIDTH ? text : `${letters.slice(0, COMMAND_WIDTH - 1).join("")}…`;
}
