/** The network that netd makes itself: containers are on it unless they say another, and it resolves no names. */
export const DEFAULT_BRIDGE = "bridge";

interface Attached<L> {
	readonly network: string;
	readonly links: readonly L[];
}

/** Docker's older links, those on it. `networks`: a container's. */
export function bridgeLinks<L>(networks: readonly Attached<L>[]): readonly L[] {
	return networks.find(({ network }) => network === DEFAULT_BRIDGE)?.links ?? [];
}
