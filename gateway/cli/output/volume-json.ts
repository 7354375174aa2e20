/** A volume in the shape of `docker volume inspect`; `Files` and `PublishedAt` are wharf's own. */
import type { Volume } from "#gen/wharf/volume/v1/volume.ts";
import { size } from "./quantity.ts";

export function volumeJson(volume: Volume): Record<string, unknown> {
	return {
		CreatedAt: volume.createdAt?.toISOString() ?? "",
		Driver: volume.driver,
		Labels: volume.labels,
		Mountpoint: volume.mountpoint,
		Name: volume.name,
		Options: volume.options,
		Scope: "local",
		...(Object.keys(volume.status).length === 0 ? {} : { Status: volume.status }),
		...(volume.publishedAt.length === 0 ? {} : { PublishedAt: volume.publishedAt }),
		...(volume.usage === undefined ? {} : { UsageData: usageJson(volume) }),
	};
}

function usageJson({ usage, containerIds }: Volume): Record<string, number> {
	return { Size: Number(usage?.bytes ?? -1), RefCount: containerIds.length, Files: Number(usage?.files ?? -1) };
}

/** What `volume ls --format json` prints of it. */
export function volumeLine({ name, driver, mountpoint, labels, usage }: Volume): Record<string, string> {
	return {
		Driver: driver,
		Labels: Object.entries(labels)
			.map(([key, value]) => `${key}=${value}`)
			.join(","),
		Mountpoint: mountpoint,
		Name: name,
		Scope: "local",
		...(usage === undefined ? {} : { Size: size(usage.bytes), Files: String(usage.files) }),
	};
}
