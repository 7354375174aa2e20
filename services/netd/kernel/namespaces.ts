/** Network namespaces of sandboxes: files in one folder, each with a namespace pinned at it. */
export interface Namespaces {
	/** With its loopback up, and IPv6 off for links to come. EEXIST when the path is taken. */
	create(path: string): void;
	/** Unpins it: the kernel takes down what is inside once nobody holds it. Absent is success. */
	remove(path: string): void;
	isNamespace(path: string): boolean;
	/** The paths in our folder, whether a namespace is pinned there or a crash came before it was. */
	observe(): string[];
}
