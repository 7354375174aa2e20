/** `host` (no namespace at all) and `none` (one with nothing in it): each is one network that needs nothing. */
import { faults } from "../faults.ts";
import type { FixedDriver } from "./driver.ts";

export function fixedDriver(name: "host" | "none"): FixedDriver {
	return {
		kind: "fixed",
		name,
		check: () => {
			throw faults.DRIVER_IS_PREDEFINED({ driver: name }, { field: "driver" });
		},
	};
}
