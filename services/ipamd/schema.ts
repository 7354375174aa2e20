/** ipamd's tables, one entry a version, only ever appended to. */
export const MIGRATIONS: readonly string[] = [
	`
	CREATE TABLE subnet (
		row INTEGER PRIMARY KEY,
		id TEXT NOT NULL UNIQUE,
		holder TEXT NOT NULL,
		owner TEXT NOT NULL,
		cidr TEXT NOT NULL UNIQUE,
		ip_range TEXT,
		gateway TEXT NOT NULL,
		auxiliary TEXT NOT NULL, -- JSON: name to address
		created_at INTEGER NOT NULL -- milliseconds since 1970, as all times here
	) STRICT;
	CREATE INDEX subnet_by_owner ON subnet (holder, owner);

	CREATE TABLE lease (
		row INTEGER PRIMARY KEY,
		subnet INTEGER NOT NULL REFERENCES subnet (row),
		address BLOB NOT NULL, -- network byte order
		holder TEXT NOT NULL,
		owner TEXT NOT NULL,
		mac TEXT,
		name TEXT NOT NULL,
		created_at INTEGER NOT NULL,
		UNIQUE (subnet, address),
		UNIQUE (subnet, holder, owner)
	) STRICT;
	CREATE INDEX lease_by_subnet ON lease (subnet);
	CREATE INDEX lease_by_owner ON lease (holder, owner);

	-- Released a while ago. A row may outlive its rest, and its address may be leased again: the lease counts.
	CREATE TABLE resting (
		subnet INTEGER NOT NULL REFERENCES subnet (row) ON DELETE CASCADE,
		address BLOB NOT NULL,
		since INTEGER NOT NULL,
		PRIMARY KEY (subnet, address)
	) STRICT, WITHOUT ROWID;
	CREATE INDEX resting_by_time ON resting (since);
	`,
	`
	-- An index less to be written with each lease, and another one less: what is unique is in the order that finds an owner's in all subnets.
	CREATE TABLE leased (
		row INTEGER PRIMARY KEY,
		subnet INTEGER NOT NULL REFERENCES subnet (row),
		address BLOB NOT NULL,
		holder TEXT NOT NULL,
		owner TEXT NOT NULL,
		mac TEXT,
		name TEXT NOT NULL,
		created_at INTEGER NOT NULL,
		UNIQUE (subnet, address),
		UNIQUE (holder, owner, subnet)
	) STRICT;
	INSERT INTO leased SELECT row, subnet, address, holder, owner, mac, name, created_at FROM lease;
	DROP TABLE lease;
	ALTER TABLE leased RENAME TO lease;
	ALTER TABLE subnet ADD COLUMN space TEXT NOT NULL DEFAULT 'local';
	ALTER TABLE subnet ADD COLUMN address_order TEXT NOT NULL DEFAULT 'sequential';
	-- JSON: what of the host's overlaps it, [{cidr, what, since}]
	ALTER TABLE subnet ADD COLUMN overlaps TEXT NOT NULL DEFAULT '[]';
	`,
];
