/** volumed's tables, one entry a version, only ever appended to. Times are milliseconds since 1970. */
export const MIGRATIONS: readonly string[] = [
	`
	CREATE TABLE volume (
		name TEXT PRIMARY KEY,
		driver TEXT NOT NULL,
		options TEXT NOT NULL, -- JSON
		labels TEXT NOT NULL, -- JSON
		anonymous INTEGER NOT NULL,
		state TEXT NOT NULL CHECK (state IN ('CREATING', 'ACTIVE', 'DELETING')),
		pristine INTEGER NOT NULL, -- nothing was ever put into it: the first attachment may fill it from an image
		created_at INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;

	CREATE TABLE attachment (
		row INTEGER PRIMARY KEY,
		id TEXT NOT NULL UNIQUE,
		holder TEXT NOT NULL,
		container_id TEXT NOT NULL,
		container_name TEXT NOT NULL,
		asked TEXT NOT NULL, -- what was asked for, in one form only
		mounts TEXT NOT NULL, -- JSON
		created_at INTEGER NOT NULL,
		UNIQUE (holder, container_id)
	) STRICT;

	-- A volume that an attachment uses cannot go: the reference forbids it.
	CREATE TABLE attachment_volume (
		attachment INTEGER NOT NULL REFERENCES attachment (row) ON DELETE CASCADE,
		volume TEXT NOT NULL REFERENCES volume (name),
		PRIMARY KEY (attachment, volume)
	) STRICT, WITHOUT ROWID;
	CREATE INDEX attachment_by_volume ON attachment_volume (volume);

	-- A backup to a file, or a restore, from its first effect to its end.
	CREATE TABLE job (
		id TEXT PRIMARY KEY,
		kind TEXT NOT NULL CHECK (kind IN ('backup', 'restore')),
		volume TEXT NOT NULL,
		request_id TEXT NOT NULL,
		body_hash TEXT NOT NULL,
		path TEXT NOT NULL, -- of a backup: where it is to be
		temporary TEXT NOT NULL, -- of a backup: where it is until then
		identity TEXT, -- of what is about to take its place, and
		result TEXT, -- JSON: how it ended if it is there
		started_at INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;
	`,
	`
	ALTER TABLE volume ADD COLUMN backing TEXT NOT NULL DEFAULT 'directory'; -- what its content lies on: its driver's own word
	ALTER TABLE volume ADD COLUMN mountpoint TEXT NOT NULL DEFAULT ''; -- where a plugin has it, while it is mounted
	ALTER TABLE volume ADD COLUMN new_name TEXT; -- what it is about to be called
	ALTER TABLE volume ADD COLUMN gone INTEGER NOT NULL DEFAULT 0; -- its removal was answered; the disk may not have it yet
	ALTER TABLE volume ADD COLUMN synced INTEGER NOT NULL DEFAULT 1; -- a power cut does not take its directory back any more

	CREATE INDEX volume_beyond_directories ON volume (backing) WHERE backing <> 'directory';

	-- active: everything in it was made ready to be mounted; pending: nobody was answered yet.
	ALTER TABLE attachment ADD COLUMN active INTEGER NOT NULL DEFAULT 1;
	ALTER TABLE attachment ADD COLUMN pending INTEGER NOT NULL DEFAULT 0;

	-- A volume at a path of this host.
	CREATE TABLE publication (
		path TEXT PRIMARY KEY,
		volume TEXT NOT NULL REFERENCES volume (name),
		subpath TEXT NOT NULL,
		read_only INTEGER NOT NULL,
		holder TEXT NOT NULL,
		state TEXT NOT NULL CHECK (state IN ('CREATING', 'ACTIVE', 'DELETING')),
		made INTEGER NOT NULL, -- its directory was made for it
		created_at INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;
	CREATE INDEX publication_by_volume ON publication (volume);

	-- A mount in the mount namespace of a process that runs; it ends with the process.
	CREATE TABLE live_mount (
		id TEXT PRIMARY KEY,
		holder TEXT NOT NULL,
		container_id TEXT NOT NULL,
		container_name TEXT NOT NULL,
		pid INTEGER NOT NULL,
		pid_start TEXT NOT NULL, -- when that process was started: a pid alone is soon somebody else's
		destination TEXT NOT NULL,
		mount TEXT NOT NULL, -- JSON
		volume TEXT REFERENCES volume (name),
		state TEXT NOT NULL CHECK (state IN ('CREATING', 'ACTIVE', 'DELETING')),
		created_at INTEGER NOT NULL,
		UNIQUE (holder, container_id, destination)
	) STRICT, WITHOUT ROWID;
	CREATE INDEX live_mount_by_volume ON live_mount (volume);
	`,
	`
	-- Archives that were made here: what they say of rights is believed.
	CREATE TABLE archive (
		sha256 TEXT PRIMARY KEY,
		created_at INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;
	ALTER TABLE attachment ADD COLUMN cgroup TEXT NOT NULL DEFAULT ''; -- where the container's processes are; empty: none are to be paused

	-- A control group that volumed has stopped, or is about to.
	CREATE TABLE pause (cgroup TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
	`,
	`
	-- The mount as mountinfo told it when it was made: what it shows may have been replaced since. Empty: it is not known.
	ALTER TABLE publication ADD COLUMN mark TEXT NOT NULL DEFAULT '';
	ALTER TABLE live_mount ADD COLUMN mark TEXT NOT NULL DEFAULT '';
	`,
	`
	ALTER TABLE job ADD COLUMN inside INTEGER NOT NULL DEFAULT 0; -- of a restore: its stage is within the content, and enters it once it is sealed
	ALTER TABLE job ADD COLUMN entered INTEGER NOT NULL DEFAULT 0; -- all of it has
	`,
	`
	ALTER TABLE job ADD COLUMN asked TEXT NOT NULL DEFAULT ''; -- what was asked for, as a clone, which is a restore; empty: its kind
	`,
	`
	-- Known by their manifests; of those before it was the digest of all bytes that was known. They are restored like others' from now on:
	-- with their rights when that is asked for (keep_privileges).
	UPDATE job SET result = json_set(result, '$.manifestSha256', '', '$.expandedBytes', 0) WHERE result IS NOT NULL;
	DROP TABLE archive;
	CREATE TABLE archive (
		manifest_sha256 TEXT PRIMARY KEY,
		bytes INTEGER NOT NULL, -- before compression, all of them
		stored_bytes INTEGER NOT NULL,
		created_at INTEGER NOT NULL
	) STRICT, WITHOUT ROWID;
	CREATE INDEX archive_by_stored_bytes ON archive (stored_bytes, bytes);
	`,
];
