/** `--filter` of volumes, as `volume ls` and `volume backup` have it. */
import { parseFilters, parseLabelFilter, parseYesNo } from "./filters.ts";

const FILTERS = ["dangling", "driver", "label", "name"] as const;

export const VOLUME_FILTER_HELP =
	"dangling=true: only those that nobody uses; driver=DRIVER, name=PATTERN: only those with one of these; label=KEY, label=KEY=VALUE: only those with all of these";

/** As volumed is asked. Faults: INVALID_VALUE, UNKNOWN_FILTER. */
export function parseVolumeFilter(texts: readonly string[]) {
	const filters = parseFilters(texts, FILTERS);
	const dangling = parseYesNo("dangling", filters.get("dangling"));
	return {
		drivers: [...(filters.get("driver") ?? [])],
		labels: parseLabelFilter(filters.get("label")),
		namePatterns: [...(filters.get("name") ?? [])],
		...(dangling === undefined ? {} : { dangling }),
	};
}
