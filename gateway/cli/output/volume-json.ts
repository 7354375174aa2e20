/** A volume in the shape of `docker volume inspect`. */
import type { Volume } from "#gen/wharf/volume/v1/volume.ts";

export function volumeJson(volume: Volume): Record<string, unknown> {
	return {
		CreatedAt: volume.createdAt?.toISOString() ?? "",
		Driver: volume.driver,
		Labels: volume.labels,
		Mountpoint: volume.mountpoint,
		Name: volume.name,
		Options: volume.options,
		Scope: "local",
	};
}

/** What `volume ls --format json` prints of it. */
export function volumeLine({ name, driver, mountpoint, labels }: Volume): Record<string, string> {
	return {
		Driver: driver,
		Labels: Object.entries(labels)
			.map(([key, value]) => `${key}=${value}`)
			.join(","),
		Mountpoint: mountpoint,
		Name: name,
		Scope: "local",
	};
}
