/** What every kernel behind netd's ports does: run by the adapters in throw-away namespaces, and by the strict model. */
import { afterEach, beforeEach, describe } from "vitest";
import { bridges } from "./contract/bridges.ts";
import { firewall } from "./contract/firewall.ts";
import { foreignFirewalls } from "./contract/foreign-firewalls.ts";
import { host } from "./contract/host.ts";
import { legs } from "./contract/legs.ts";
import { macvlans } from "./contract/macvlans.ts";
import { namespaces } from "./contract/namespaces.ts";
import { Current, type Subject } from "./contract/subject.ts";

export function kernelContract(name: string, make: () => Subject): void {
	describe(`${name}: the kernel's contract`, () => {
		const it = new Current();
		beforeEach(() => it.begin(make()));
		afterEach(() => it.end());
		describe("bridges", () => {
			bridges(it);
		});
		describe("legs", () => {
			legs(it);
		});
		describe("macvlans", () => {
			macvlans(it);
		});
		describe("namespaces", () => {
			namespaces(it);
		});
		describe("other programs' packet rules", () => {
			foreignFirewalls(it);
		});
		describe("firewall", () => {
			firewall(it);
		});
		describe("the host", () => {
			host(it);
		});
	});
}
