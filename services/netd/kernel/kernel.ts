/** The kernel as netd sees it. Adapters: `linux/`; the strict model that use cases are tested on: `model/`; one contract for both. */
import type { Firewall } from "./firewall.ts";
import type { Flows } from "./flows.ts";
import type { ForeignFirewalls } from "./foreign-firewalls.ts";
import type { HostFacts } from "./host-facts.ts";
import type { HostPorts } from "./host-ports.ts";
import type { Links } from "./links.ts";
import type { Namespaces } from "./namespaces.ts";
import type { ResolverRedirect } from "./resolver-redirect.ts";

export interface Kernel {
	readonly links: Links;
	readonly namespaces: Namespaces;
	readonly firewall: Firewall;
	readonly resolver: ResolverRedirect;
	readonly hostPorts: HostPorts;
	readonly flows: Flows;
	readonly foreign: ForeignFirewalls;
	readonly facts: HostFacts;
}
