/** The real kernel, all doors opened at once. */
import type { Log } from "#lib/log/log.ts";
import type { Kernel } from "../kernel.ts";
import type { KernelNews } from "../news.ts";
import { LinuxFirewall } from "./firewall.ts";
import { LinuxFlows } from "./flows.ts";
import { LinuxForeignFirewalls } from "./foreign-firewalls.ts";
import { LinuxHostFacts } from "./host-facts.ts";
import { LinuxHostPorts } from "./host-ports.ts";
import { LinuxLinks } from "./links.ts";
import { LinuxNamespaces } from "./namespaces.ts";
import { watchHost } from "./news.ts";
import { LinuxResolverRedirect } from "./resolver-redirect.ts";

export interface LinuxKernelOptions {
	readonly log: Log;
	/** Where the sandboxes' namespaces are pinned. */
	readonly namespaces: string;
	/** The namespace that plays the host; the process's own unless it is said. */
	readonly host?: string | undefined;
	/** Called when an operation found our tables gone. */
	readonly lost?: () => void;
	/** The host's own firewall is asked before a published port is reached from outside; not unless it is said. */
	readonly asksHost?: boolean | undefined;
}

export interface LinuxKernel extends Kernel, Disposable {
	/** Tells what changes from now on, some ten times a second at most, until what it returns is disposed of. */
	watch(tell: (news: KernelNews) => void): Disposable;
}

export function openLinuxKernel({ log, namespaces, host, lost, asksHost }: LinuxKernelOptions): LinuxKernel {
	const doors = new DisposableStack();
	const firewall = doors.use(new LinuxFirewall({ log, host, asksHost, ...(lost && { lost }) }));
	return {
		links: doors.use(new LinuxLinks(log, host)),
		namespaces: new LinuxNamespaces(log, namespaces, host),
		firewall,
		resolver: new LinuxResolverRedirect(log),
		hostPorts: new LinuxHostPorts(host),
		flows: doors.use(new LinuxFlows(host)),
		foreign: doors.use(new LinuxForeignFirewalls(log, host)),
		watch: (tell) => watchHost({ log, host, ownPortId: firewall.portId, tell }),
		facts: new LinuxHostFacts(host),
		[Symbol.dispose]: () => doors.dispose(),
	};
}
