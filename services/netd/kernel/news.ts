/** Changes of the kernel, whoever made them, as far as they can concern what is ours. A hint to look; never an account. */
export interface KernelNews {
	/** Our packet rules were changed by somebody else, packets are no longer forwarded, or more happened than could be told. */
	readonly everything: boolean;
	/** Rules were changed in a table where others keep a place for a rule of ours; also by ourselves. */
	readonly foreignRules: boolean;
	/** Names of links, others' too, that are gone, down, without an address that they had, or where somebody wrote who has one; of legs also those that are no port. */
	readonly links: ReadonlySet<string>;
	/** Names of links, others' too, that are up and no port: any of them changed in some way. */
	readonly apart: ReadonlySet<string>;
}
