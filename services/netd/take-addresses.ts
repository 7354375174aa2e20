/** Addresses for an endpoint, or for the host itself on a network. */
import type { Undo } from "#lib/concurrency/undo.ts";
import type { AddressesSpec, Allocator } from "./allocator.ts";

/** Their release is deferred before they are asked for: an answer that is lost may have given them. */
export function takeAddresses(
	allocator: Allocator,
	spec: AddressesSpec,
	undo: Undo,
	signal: AbortSignal,
): ReturnType<Allocator["takeAddresses"]> {
	const { owner } = spec;
	const refs = spec.wishes.map(({ subnetId }) => ({ subnetId, owner }));
	undo.defer(async () => void (await allocator.releaseAddresses(refs)));
	return allocator.takeAddresses(spec, signal);
}
