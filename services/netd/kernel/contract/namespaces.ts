/** Namespaces, netd's and others', and what is led to a resolver inside. */
import { expect, test } from "vitest";
import { newId } from "../../id.ts";
import type { Current } from "./subject.ts";
import { bridgeFor, legFor } from "./wanted.ts";

export function namespaces(it: Current): void {
	test("namespaces are made once, seen, and removed; absent is success", () => {
		const path = it.subject.netnsPath("a");
		expect(it.kernel.namespaces.isNamespace(path)).toBe(false);
		it.kernel.namespaces.create(path);
		expect(() => it.kernel.namespaces.create(path)).toThrow("EEXIST");
		expect(it.kernel.namespaces.isNamespace(path)).toBe(true);
		expect(it.kernel.namespaces.observe()).toEqual([path]);
		it.kernel.namespaces.remove(path);
		it.kernel.namespaces.remove(path);
		expect(it.kernel.namespaces.observe()).toEqual([]);
	});

	test("a namespace of somebody else's is opened once and held, and outlives its process", async () => {
		const { pid, path: theirs, end } = await it.subject.foreignProcess();
		const path = it.subject.netnsPath("a");
		{
			using found = it.kernel.namespaces.open({ pid });
			expect(found.pinnedAt).toBeUndefined();
			const isLoopbackUp = () => it.kernel.links.observeInside(theirs).interfaces.get("lo")?.up;
			expect(isLoopbackUp()).toBe(false);
			found.pin(path);
			expect(isLoopbackUp()).toBe(true);
			expect(() => found.pin(path)).toThrow("EEXIST");
			using again = it.kernel.namespaces.open({ path: theirs });
			expect(again.pinnedAt).toBe(path);
		}
		const bridge = bridgeFor(newId());
		it.kernel.links.ensureBridge(bridge);
		const leg = legFor(bridge, path);
		await it.kernel.links.ensureLeg(leg);
		expect(it.kernel.links.interfaces(theirs).sort()).toEqual(["eth0", "lo"]);
		await end();
		expect(() => it.kernel.namespaces.open({ pid })).toThrow(expect.objectContaining({ reason: "PROCESS_NOT_FOUND" }));
		const gone = expect.objectContaining({ reason: "NOT_A_NAMESPACE" });
		expect(() => it.kernel.namespaces.open({ path: theirs })).toThrow(gone);
		expect(it.kernel.links.interfaces(path).sort()).toEqual(["eth0", "lo"]);
		expect(it.kernel.links.observe().legs).toHaveLength(1);
		await it.kernel.links.removeLeg(leg.hostInterface);
		expect(it.kernel.links.interfaces(path)).toEqual(["lo"]);
		expect(it.kernel.namespaces.observe()).toEqual([path]);
		it.kernel.namespaces.remove(path);
		expect(it.kernel.namespaces.isNamespace(path)).toBe(false);
	});

	test("a namespace of somebody else's stays when it is let go, and what was opened before is what is held", async () => {
		const first = await it.subject.foreignProcess();
		const path = it.subject.netnsPath("a");
		using opened = it.kernel.namespaces.open({ path: first.path });
		opened.pin(path);
		it.kernel.namespaces.remove(path);
		it.kernel.namespaces.remove(path);
		expect(it.kernel.namespaces.observe()).toEqual([]);
		expect(it.kernel.links.interfaces(first.path)).toEqual(["lo"]);
		await first.end();
		opened.pin(path);
		expect(it.kernel.links.interfaces(path)).toEqual(["lo"]);
	});

	test("the host's own namespace is not taken in, nor is what is none", () => {
		const hosts = expect.objectContaining({ reason: "HOST_NAMESPACE" });
		expect(() => it.kernel.namespaces.open({ path: it.subject.hostPath })).toThrow(hosts);
		const none = expect.objectContaining({ reason: "NOT_A_NAMESPACE", field: "adopt_path" });
		for (const path of ["/etc/passwd", "/proc/self/ns/mnt", "/nowhere", "/", "", "/nowhere\0"]) {
			expect(() => it.kernel.namespaces.open({ path })).toThrow(none);
		}
		const nobody = expect.objectContaining({ reason: "PROCESS_NOT_FOUND", field: "adopt_pid" });
		expect(() => it.kernel.namespaces.open({ pid: 4_194_305 })).toThrow(nobody);
	});

	test("a sandbox's queries are led to a port, and to another one later", () => {
		const path = it.subject.netnsPath("a");
		it.kernel.namespaces.create(path);
		expect(it.kernel.resolver.observe(path)).toBeUndefined();
		it.kernel.resolver.ensure(path, 61_053);
		it.kernel.resolver.ensure(path, 61_053);
		expect(it.kernel.resolver.observe(path)).toBe(61_053);
		it.kernel.resolver.ensure(path, 62_053);
		expect(it.kernel.resolver.observe(path)).toBe(62_053);
		it.kernel.resolver.remove(path);
		it.kernel.resolver.remove(path);
		expect(it.kernel.resolver.observe(path)).toBeUndefined();
		it.kernel.resolver.ensure(path, 61_053);
		expect(it.kernel.resolver.observe(path)).toBe(61_053);
		it.kernel.resolver.remove(it.subject.netnsPath("absent"));
	});
}
