/** Network namespaces of sandboxes: files in one folder, each with a namespace pinned at it. */
export interface Namespaces {
	/** With its loopback up, and IPv6 off for links to come. EEXIST when the path is taken. */
	create(path: string): void;
	/**
	 * Somebody else's, opened once: whatever its path or its process's number lead to later, it is that one. Faults NOT_A_NAMESPACE,
	 * PROCESS_NOT_FOUND, HOST_NAMESPACE.
	 */
	open(at: NamespaceRef): OpenNamespace;
	/** Unpins it: the kernel takes down what is inside once nobody holds it. Absent is success. */
	remove(path: string): void;
	/** Its loopback is up: nothing that is bound to 127.0.0.1 or 127.0.0.11 works without. */
	ensureLoopback(path: string): void;
	isNamespace(path: string): boolean;
	/** The paths in our folder, whether a namespace is pinned there or a crash came before it was. */
	observe(): string[];
}

export type NamespaceRef = { readonly path: string } | { readonly pid: number };

export interface OpenNamespace extends Disposable {
	/** Where in our folder it is pinned already; undefined: nowhere. */
	readonly pinnedAt: string | undefined;
	/** Pins it at a path in our folder: it stays until that is removed. Nothing in it is changed but that its loopback is up. EEXIST when the path is taken. */
	pin(path: string): void;
}
