/**
 * Programs beside netd whose packet rules drop what they do not know: Docker Engine, ufw, firewalld. Each is given one rule, in the
 * place that it keeps for others, however many networks there are; and only while it drops.
 *
 * The rule accepts what our own rules have marked: what goes to our networks, and what leaves them for elsewhere than a bridge of
 * others. What may pass is decided by our rules all the same. The operator's own rules in that place come first.
 */
import type { Difference } from "./firewall.ts";

export interface ForeignFirewalls {
	/**
	 * Where what we forward is dropped by default, it is let through. Needs the skeleton of our packet rules. A table that its program
	 * keeps to itself stays as it is: diagnosis tells of it.
	 */
	letThrough(): Difference;
	/** Nothing of ours is with others. */
	withdraw(): Difference;
	/** `letThrough` would find nothing to do. */
	isLetThrough(): boolean;
	/** Where there is a rule of ours, as `ip filter DOCKER-USER`. */
	observe(): readonly string[];
}
