import { describe, expect, test } from "vitest";
import { parseIfName } from "#lib/address/if-name.ts";
import { parseMacvlanOptions, subInterfaceOf } from "./macvlan-options.ts";

const SHIM = "wharf.macvlan.host_shim";
const MTU = "com.docker.network.driver.mtu";

describe("parseMacvlanOptions", () => {
	test("defaults, and every option", () => {
		expect(parseMacvlanOptions({})).toEqual({ parent: undefined, mode: "bridge", mtu: undefined, shim: undefined });
		expect(parseMacvlanOptions({ parent: "eth1.30", macvlan_mode: "vepa", [MTU]: "1400" })).toEqual({
			parent: "eth1.30",
			mode: "vepa",
			mtu: 1400,
			shim: undefined,
		});
		expect(parseMacvlanOptions({ [SHIM]: "auto" }).shim).toBe("auto");
		expect(String(parseMacvlanOptions({ [SHIM]: "10.0.0.9,fd00::9" }).shim)).toBe("10.0.0.9,fd00::9");
	});

	test.each([
		["parents", "parent"],
		["macvlan_mod", "macvlan_mode"],
		["mtu", MTU],
	])("the unknown option %s is refused with the one that was meant", (option, known) => {
		expect(() => parseMacvlanOptions({ [option]: "1" })).toThrow(`did you mean ${known}?`);
	});

	test("an option of another driver is like none, and so all are listed", () => {
		expect(() => parseMacvlanOptions({ "com.docker.network.bridge.enable_icc": "1" })).toThrow(
			`The driver macvlan has no option "com.docker.network.bridge.enable_icc"; it has parent, macvlan_mode, ${MTU}, ${SHIM}.`,
		);
	});

	test.each([
		["parent", ""],
		["parent", "lo"],
		["parent", "a/b"],
		["parent", "wh-0123456789ab"],
		["parent", "wv-0123456789ab"],
		["macvlan_mode", "Bridge"],
		["macvlan_mode", "source"],
		["parent", "ws-0123456789ab"],
		[MTU, "67"],
		[SHIM, ""],
		[SHIM, "yes"],
		[SHIM, "10.0.0.9,10.0.0.10"],
		[SHIM, "10.0.0.9/24"],
	])("%s = %j is refused, saying what is allowed", (option, value) => {
		expect(() => parseMacvlanOptions({ [option]: value })).toThrow(/allowed is/);
	});

	test.each([
		["eth1.30", { kind: "802.1q", on: "eth1", id: 30 }],
		["a.b.4094", { kind: "802.1q", on: "a.b", id: 4094 }],
		["eth1", undefined],
		["eth1.0", undefined],
		["eth1.4095", undefined],
		["eth1.030", undefined],
		[".3", undefined],
	])("what a sub-interface %s is of", (name, made) => {
		expect(subInterfaceOf(parseIfName(name))).toEqual(made);
	});
});
