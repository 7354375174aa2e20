/** The options of a volume of the driver `sshfs`, from texts to values. Nothing that runs a program on this host is among them. */
import { isAbsolute } from "node:path";
import { nearest } from "#lib/text/nearest.ts";
import { volumeFaults } from "../faults.ts";

export interface SshfsOptions {
	/** `user@host:/path`, as sshfs takes it. */
	readonly source: string;
	readonly login: string;
	readonly host: string;
	/** On the server. */
	readonly path: string;
	readonly port: number;
	/** Paths of this host. */
	readonly identityFile: string | undefined;
	readonly knownHosts: string | undefined;
	/** A line of a known_hosts file. */
	readonly hostKey: string | undefined;
	/** It goes through a pipe to sshfs and nowhere else. */
	readonly password: string | undefined;
	/** Of sshfs and of ssh, each `name` or `name=value`. */
	readonly more: ReadonlyMap<string, string>;
}

const KNOWN = ["device", "sshcmd", "port", "identity_file", "known_hosts", "host_key", "password", "o"];
const SSH_PORT = 22;

const DEVICE =
	/^([a-zA-Z0-9_][a-zA-Z0-9_.-]{0,63}\$?)@([a-zA-Z0-9][a-zA-Z0-9.-]{0,252}|\[[0-9a-fA-F:.]{2,45}\]):(\/.{0,4000})$/u;
/** `[host]:2222 ssh-ed25519 AAAA…`, also with several names or hashed ones. */
const HOST_KEY = /^[^\s@#][^\s]{0,500} (?:ssh|ecdsa|sk)-[a-z0-9@.-]{1,60} [A-Za-z0-9+/]{40,4000}={0,2}(?: .{0,200})?$/;
/** C0, DEL, C1, line and paragraph separators. */
const CONTROL = /[\p{Cc}\u2028\u2029]/u;

const FLAG = /^$/;
const NUMBER = /^\d{1,9}$/;
const SECONDS = /^\d{1,6}(\.\d{1,3})?$/;
const YES_NO = /^(yes|no)$/;
const WORDS = /^[A-Za-z0-9@.+-][A-Za-z0-9@.+:-]{0,500}$/;

/** What `o` may have. The well-known plugin's users pass those that are always on, too. */
const ALLOWED: Readonly<Record<string, RegExp>> = {
	ro: FLAG,
	rw: FLAG,
	reconnect: FLAG,
	allow_other: FLAG,
	default_permissions: FLAG,
	noatime: FLAG,
	noexec: FLAG,
	nosuid: FLAG,
	nodev: FLAG,
	sshfs_sync: FLAG,
	sync_readdir: FLAG,
	no_readahead: FLAG,
	no_check_root: FLAG,
	disable_hardlink: FLAG,
	transform_symlinks: FLAG,
	follow_symlinks: FLAG,
	direct_io: FLAG,
	kernel_cache: FLAG,
	auto_cache: FLAG,
	uid: NUMBER,
	gid: NUMBER,
	umask: /^[0-7]{1,4}$/,
	idmap: /^(none|user)$/,
	cache: YES_NO,
	dir_cache: YES_NO,
	cache_timeout: NUMBER,
	cache_stat_timeout: NUMBER,
	cache_dir_timeout: NUMBER,
	cache_link_timeout: NUMBER,
	dcache_timeout: NUMBER,
	dcache_stat_timeout: NUMBER,
	dcache_dir_timeout: NUMBER,
	dcache_link_timeout: NUMBER,
	dcache_max_size: NUMBER,
	entry_timeout: SECONDS,
	negative_timeout: SECONDS,
	attr_timeout: SECONDS,
	max_read: NUMBER,
	max_write: NUMBER,
	max_conns: /^([1-9]|1[0-6])$/,
	workaround: /^[a-z]{1,20}(:[a-z]{1,20}){0,10}$/,
	AddressFamily: /^(any|inet|inet6)$/,
	BindAddress: /^[0-9a-fA-F:.]{2,45}$/,
	Ciphers: WORDS,
	Compression: YES_NO,
	HostKeyAlgorithms: WORDS,
	HostKeyAlias: /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/,
	IPQoS: WORDS,
	KexAlgorithms: WORDS,
	MACs: WORDS,
	PubkeyAcceptedKeyTypes: WORDS,
	RekeyLimit: /^\d{1,9}[KMG]?$/,
	ServerAliveCountMax: /^[1-9]\d{0,3}$/,
	ServerAliveInterval: /^[1-9]\d{0,3}$/,
	TCPKeepAlive: YES_NO,
};

/** They run a program on this host, or bring what would; said apart, since a near name would be a wrong hint. */
const RUNS_PROGRAMS =
	/^(ssh_command|sftp_server|directport|passive|slave|ProxyCommand|ProxyJump|LocalCommand|PermitLocalCommand|KnownHostsCommand|RemoteCommand|Include|Match|PKCS11Provider|SecurityKeyProvider|SmartcardDevice|XAuthLocation|ControlPath|ControlMaster|ControlPersist|ProxyUseFdpass)$/i;

/** Faults: UNKNOWN_OPTION, INVALID_OPTION. */
export function parseSshfsOptions(options: ReadonlyMap<string, string>): SshfsOptions {
	for (const option of options.keys()) if (!KNOWN.includes(option)) throw unknown(option, KNOWN);
	if (options.has("device") && options.has("sshcmd")) throw invalid("sshcmd", "there beside device", "one of the two");
	const more = parseMore(options.get("o") ?? "");
	const password = parsePassword(options.get("password"));
	if (password !== undefined && more.has("max_conns")) {
		throw invalid("o", '"max_conns"', "one connection when there is a password");
	}
	return {
		...parseDevice(options.get("device") ?? options.get("sshcmd")),
		port: parsePort(options.get("port")),
		identityFile: parsePath("identity_file", options.get("identity_file")),
		knownHosts: parsePath("known_hosts", options.get("known_hosts")),
		hostKey: parseHostKey(options.get("host_key")),
		password,
		more,
	};
}

function parseDevice(text: string | undefined): Pick<SshfsOptions, "source" | "login" | "host" | "path"> {
	const [source, login, host, path] = DEVICE.exec(text ?? "") ?? [];
	if (source === undefined || login === undefined || host === undefined || path === undefined || CONTROL.test(source)) {
		throw invalid("device", text === undefined ? "missing" : JSON.stringify(text.slice(0, 200)), "user@host:/path");
	}
	return { source, login, host, path };
}

function parsePort(text: string | undefined): number {
	const port = text === undefined ? SSH_PORT : Number(text);
	if (!/^\d{1,5}$/.test(text ?? "22") || port < 1 || port > 65_535) {
		throw invalid("port", JSON.stringify(text), "a number from 1 to 65535");
	}
	return port;
}

function parsePath(option: string, text: string | undefined): string | undefined {
	// ssh puts values of variables into paths.
	if (text !== undefined && (!isAbsolute(text) || CONTROL.test(text) || text.includes("${"))) {
		throw invalid(option, JSON.stringify(text.slice(0, 200)), "an absolute path of this host");
	}
	return text;
}

function parseHostKey(text: string | undefined): string | undefined {
	const line = text?.trim();
	if (line !== undefined && (!HOST_KEY.test(line) || CONTROL.test(line))) {
		throw invalid("host_key", JSON.stringify(line.slice(0, 200)), "one line as ssh-keyscan prints it: host, kind, key");
	}
	return line;
}

/** sshfs reads a line of at most 1023 bytes. */
function parsePassword(text: string | undefined): string | undefined {
	if (text === undefined) return undefined;
	if (text === "" || Buffer.byteLength(text) > 1_000 || CONTROL.test(text)) {
		throw invalid("password", "empty, too long, or more than a line", "a line of 1 to 1000 bytes");
	}
	return text;
}

function parseMore(text: string): ReadonlyMap<string, string> {
	const more = new Map<string, string>();
	for (const part of text.split(",").filter((one) => one !== "")) {
		const [name = "", ...values] = part.split("=");
		const value = values.join("=");
		if (RUNS_PROGRAMS.test(name)) throw invalid("o", JSON.stringify(name), "what runs no program on this host");
		const allowed = Object.hasOwn(ALLOWED, name) ? ALLOWED[name] : undefined;
		if (allowed === undefined) throw unknown(name, Object.keys(ALLOWED));
		if (!allowed.test(value) || (part.includes("=") && allowed === FLAG)) {
			const form = allowed === FLAG ? `${name} alone` : `a value like ${allowed.source}`;
			throw invalid("o", JSON.stringify(part.slice(0, 200)), form);
		}
		more.set(name, value);
	}
	return more;
}

function unknown(option: string, known: readonly string[]) {
	const near = nearest(option, known) ?? "";
	return volumeFaults.UNKNOWN_OPTION(
		{ driver: "sshfs", option: option.slice(0, 100), nearest: near, known: known.join(", ") },
		{ field: "options" },
	);
}

function invalid(option: string, value: string, allowed: string) {
	return volumeFaults.INVALID_OPTION({ option, value, allowed }, { field: "options" });
}
