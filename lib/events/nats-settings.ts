/** Where NATS is, who we are to it, and how the stream of events is made. */
export interface NatsSettings {
	/** `host:port`, tried in turn. */
	readonly servers: readonly string[];
	readonly user?: string | undefined;
	readonly pass?: string | undefined;
	/** Paths of PEM files, read anew for each connection. */
	readonly tls?:
		| { readonly ca?: string | undefined; readonly cert?: string | undefined; readonly key?: string | undefined }
		| undefined;
	/** How the stream is made when it is not there; one that is there stays as it is. */
	readonly stream?: StreamBounds | undefined;
}

export interface StreamBounds {
	/** 7 days unless given. */
	readonly maxAgeMs?: number | undefined;
	/** 256 MiB unless given; the oldest events go first. */
	readonly maxBytes?: number | undefined;
	/** 1 unless given; 3 where NATS is a cluster. */
	readonly replicas?: number | undefined;
}
