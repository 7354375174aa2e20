/**
 * netd's tables, one entry a version; entries are only ever appended.
 *
 * `seq` orders by age and is never used again. Addresses are canonical text; lists and maps are JSON. The database holds what two
 * requests could break between them: names, owners and host ports are unique, and an endpoint's network and sandbox exist.
 */
export const migrations: readonly string[] = [
	`
	CREATE TABLE networks (
		seq INTEGER PRIMARY KEY AUTOINCREMENT,
		id TEXT NOT NULL UNIQUE,
		name TEXT NOT NULL UNIQUE,
		driver TEXT NOT NULL,
		state TEXT NOT NULL CHECK (state IN ('creating', 'active', 'deleting', 'failed')),
		state_reason TEXT NOT NULL DEFAULT '',
		created_at INTEGER NOT NULL,
		interface TEXT UNIQUE,
		internal INTEGER NOT NULL,
		ipv6 INTEGER NOT NULL,
		attachable INTEGER NOT NULL,
		predefined INTEGER NOT NULL,
		resolves_names INTEGER NOT NULL,
		subnets TEXT NOT NULL,
		options TEXT NOT NULL,
		labels TEXT NOT NULL
	) STRICT;

	CREATE TABLE sandboxes (
		seq INTEGER PRIMARY KEY AUTOINCREMENT,
		id TEXT NOT NULL UNIQUE,
		holder TEXT NOT NULL,
		owner TEXT NOT NULL,
		name TEXT NOT NULL,
		hostname TEXT NOT NULL,
		netns_path TEXT NOT NULL,
		adopted INTEGER NOT NULL,
		state TEXT NOT NULL CHECK (state IN ('creating', 'active', 'deleting', 'failed')),
		state_reason TEXT NOT NULL DEFAULT '',
		created_at INTEGER NOT NULL,
		dns_servers TEXT NOT NULL,
		resolver_port INTEGER NOT NULL,
		UNIQUE (holder, owner)
	) STRICT;

	CREATE TABLE endpoints (
		seq INTEGER PRIMARY KEY AUTOINCREMENT,
		id TEXT NOT NULL UNIQUE,
		network_id TEXT NOT NULL REFERENCES networks (id),
		sandbox_id TEXT NOT NULL REFERENCES sandboxes (id),
		state TEXT NOT NULL CHECK (state IN ('creating', 'active', 'deleting', 'failed')),
		state_reason TEXT NOT NULL DEFAULT '',
		created_at INTEGER NOT NULL,
		interface TEXT NOT NULL,
		host_interface TEXT NOT NULL UNIQUE,
		mac TEXT NOT NULL,
		addresses TEXT NOT NULL,
		aliases TEXT NOT NULL,
		UNIQUE (network_id, sandbox_id),
		UNIQUE (sandbox_id, interface)
	) STRICT;

	CREATE TABLE ports (
		endpoint_id TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
		protocol TEXT NOT NULL CHECK (protocol IN ('tcp', 'udp')),
		host_address TEXT NOT NULL,
		host_port INTEGER NOT NULL CHECK (host_port BETWEEN 1 AND 65535),
		container_port INTEGER NOT NULL CHECK (container_port BETWEEN 1 AND 65535),
		PRIMARY KEY (protocol, host_port, host_address)
	) STRICT, WITHOUT ROWID;
	CREATE INDEX ports_of_endpoint ON ports (endpoint_id);
	`,
	`
	ALTER TABLE endpoints ADD COLUMN gateway_priority INTEGER NOT NULL DEFAULT 0;
	ALTER TABLE endpoints ADD COLUMN options TEXT NOT NULL DEFAULT '{}';
	`,
	// Ports of SCTP as well: a CHECK cannot be changed in place.
	`
	CREATE TABLE ports_of_any_transport (
		endpoint_id TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
		protocol TEXT NOT NULL CHECK (protocol IN ('tcp', 'udp', 'sctp')),
		host_address TEXT NOT NULL,
		host_port INTEGER NOT NULL CHECK (host_port BETWEEN 1 AND 65535),
		container_port INTEGER NOT NULL CHECK (container_port BETWEEN 1 AND 65535),
		PRIMARY KEY (protocol, host_port, host_address)
	) STRICT, WITHOUT ROWID;
	INSERT INTO ports_of_any_transport SELECT endpoint_id, protocol, host_address, host_port, container_port FROM ports;
	DROP TABLE ports;
	ALTER TABLE ports_of_any_transport RENAME TO ports;
	CREATE INDEX ports_of_endpoint ON ports (endpoint_id);
	`,
	`
	ALTER TABLE sandboxes ADD COLUMN joined TEXT NOT NULL DEFAULT '';
	CREATE INDEX sandboxes_joined ON sandboxes (joined) WHERE joined <> '';
	ALTER TABLE networks ADD COLUMN config TEXT NOT NULL DEFAULT '';
	ALTER TABLE networks ADD COLUMN config_from TEXT REFERENCES networks (id);
	CREATE INDEX networks_config_from ON networks (config_from) WHERE config_from IS NOT NULL;
	`,
	// Ports that are reached at their containers' own addresses, and have none of the host's. What a network is to the host itself.
	`
	ALTER TABLE networks ADD COLUMN host_side TEXT NOT NULL DEFAULT '{}';
	CREATE TABLE openings (
		endpoint_id TEXT NOT NULL REFERENCES endpoints (id) ON DELETE CASCADE,
		protocol TEXT NOT NULL,
		host_address TEXT NOT NULL,
		container_port INTEGER NOT NULL CHECK (container_port BETWEEN 1 AND 65535),
		PRIMARY KEY (endpoint_id, protocol, container_port, host_address)
	) STRICT, WITHOUT ROWID;
	`,
	// Of those that were there before nobody knows.
	"ALTER TABLE networks ADD COLUMN other_macs INTEGER NOT NULL DEFAULT 1",
	`
	ALTER TABLE networks ADD COLUMN dns_servers TEXT NOT NULL DEFAULT '[]';
	ALTER TABLE endpoints ADD COLUMN links TEXT NOT NULL DEFAULT '{}';
	`,
];
