/** Labels, as users give them. */
import { volumeFaults } from "./faults.ts";

const LONGEST = 4_096;

/** Fault: INVALID_LABEL. */
export function parseLabels(labels: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
	for (const [label, value] of Object.entries(labels)) {
		if (label === "") throw volumeFaults.INVALID_LABEL({ label, problem: "has no name" }, { field: "labels" });
		if (label.length + value.length > LONGEST) {
			const problem = `has more than ${LONGEST} characters`;
			throw volumeFaults.INVALID_LABEL({ label: label.slice(0, 100), problem }, { field: "labels" });
		}
	}
	return new Map(Object.entries(labels));
}
