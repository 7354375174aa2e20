/** The rewrite inside a sandbox that leads 127.0.0.11:53 to the port where its resolver listens, and the answers back. */
export interface ResolverRedirect {
	/** Makes it, or leads an existing one to this port. */
	ensure(netns: string, port: number): void;
	/** Absent is success, and so is a namespace that is gone. */
	remove(netns: string): void;
	/** The port it leads to. */
	observe(netns: string): number | undefined;
}
