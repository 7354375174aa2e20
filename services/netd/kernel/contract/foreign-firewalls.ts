/** One rule in other programs' packet rules. */
import { beforeEach, expect, test } from "vitest";
import type { Current } from "./subject.ts";

export function foreignFirewalls(it: Current): void {
	const place = "ip filter DOCKER-USER";
	beforeEach(() => void it.kernel.firewall.ensureSkeleton());

	test("nothing is done where nobody drops, or nobody is", () => {
		expect(it.kernel.foreign.letThrough()).toEqual({ added: [], removed: [] });
		it.subject.writeDockersRules("accept");
		expect(it.kernel.foreign.isLetThrough()).toBe(true);
		expect(it.kernel.foreign.letThrough()).toEqual({ added: [], removed: [] });
		expect(it.kernel.foreign.observe()).toEqual([]);
		expect(it.kernel.foreign.withdraw()).toEqual({ added: [], removed: [] });
	});

	test("what drops is given one rule, once, and again when it was written anew; it goes with the dropping", () => {
		it.subject.writeDockersRules("drop");
		expect(it.kernel.foreign.isLetThrough()).toBe(false);
		expect(it.kernel.foreign.letThrough()).toEqual({ added: [place], removed: [] });
		expect(it.kernel.foreign.letThrough()).toEqual({ added: [], removed: [] });
		expect([it.kernel.foreign.isLetThrough(), it.kernel.foreign.observe()]).toEqual([true, [place]]);
		it.subject.writeDockersRules("drop");
		expect([it.kernel.foreign.isLetThrough(), it.kernel.foreign.observe()]).toEqual([false, []]);
		expect(it.kernel.foreign.letThrough()).toEqual({ added: [place], removed: [] });
		it.subject.writeDockersRules("accept");
		expect(it.kernel.foreign.letThrough().added).toEqual([]);
		expect([it.kernel.foreign.isLetThrough(), it.kernel.foreign.observe()]).toEqual([true, []]);
	});

	test("it is withdrawn, and then nothing is left to withdraw", () => {
		it.subject.writeDockersRules("drop");
		it.kernel.foreign.letThrough();
		expect(it.kernel.foreign.withdraw()).toEqual({ added: [], removed: [place] });
		expect(it.kernel.foreign.withdraw()).toEqual({ added: [], removed: [] });
		expect(it.kernel.foreign.observe()).toEqual([]);
	});
}
