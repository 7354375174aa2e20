/** The real kernel, all doors opened at once. */
import type { Log } from "#lib/log/log.ts";
import type { Kernel } from "../kernel.ts";
import { LinuxFirewall } from "./firewall.ts";
import { LinuxFlows } from "./flows.ts";
import { LinuxHostPorts } from "./host-ports.ts";
import { LinuxLinks } from "./links.ts";
import { LinuxNamespaces } from "./namespaces.ts";
import { LinuxResolverRedirect } from "./resolver-redirect.ts";

export interface LinuxKernelOptions {
	readonly log: Log;
	/** Where the sandboxes' namespaces are pinned. */
	readonly namespaces: string;
	/** The namespace that plays the host; the process's own unless it is said. */
	readonly host?: string | undefined;
	/** Called when an operation found our tables gone. */
	readonly lost?: () => void;
}

export function openLinuxKernel({ log, namespaces, host, lost }: LinuxKernelOptions): Kernel & Disposable {
	const doors = new DisposableStack();
	return {
		links: doors.use(new LinuxLinks(log, host)),
		namespaces: new LinuxNamespaces(log, namespaces),
		firewall: doors.use(new LinuxFirewall({ log, host, ...(lost && { lost }) })),
		resolver: new LinuxResolverRedirect(log),
		hostPorts: new LinuxHostPorts(host),
		flows: new LinuxFlows(host),
		[Symbol.dispose]: () => doors.dispose(),
	};
}
