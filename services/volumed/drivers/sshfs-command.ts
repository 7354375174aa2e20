/**
 * What sshfs is called with. All of ssh's settings that matter are said here, and none comes from a file of configuration: the key of
 * the server is checked whatever an administrator's `ssh_config` says.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import type { SshfsOptions } from "./sshfs-options.ts";

const HOST_FILE = "/etc/ssh/ssh_known_hosts";

/** Where a process says for which mount it is: sshfs, and each ssh that it starts, inherit it. */
export const MARK = "WHARF_SSHFS_MOUNT";

export interface SshfsCommand {
	readonly args: readonly string[];
	readonly env: Readonly<Record<string, string>>;
}

/** `ownKeys`: the file of the volume's own with `hostKey`. */
export function sshfsCommand(
	options: SshfsOptions,
	target: string,
	ownKeys: string,
	connectSeconds: number,
): SshfsCommand {
	const settings = new Map([
		["allow_other", ""],
		["reconnect", ""],
		["ServerAliveInterval", "15"],
		["ServerAliveCountMax", "3"],
		...options.more,
		...trust(options, ownKeys),
		...login(options),
		["ConnectTimeout", String(connectSeconds)],
		["ConnectionAttempts", "1"],
		["LogLevel", "ERROR"],
	]);
	const list = [...settings].map(([name, value]) => (value === "" ? name : `${name}=${value}`));
	return {
		// In the foreground: it is this child itself that serves the mount, and ssh's own words are heard.
		args: [
			"-f",
			options.source,
			target,
			"-F",
			"/dev/null",
			"-p",
			String(options.port),
			"-o",
			list.map(listed).join(","),
		],
		env: { [MARK]: target, SSH_ASKPASS_REQUIRE: "never", SSH_AUTH_SOCK: "" },
	};
}

/** The keys that the volume names count and no others; without any the host's. Nothing is ever asked or learnt. */
function trust({ hostKey, knownHosts }: SshfsOptions, ownKeys: string): [string, string][] {
	const named = [...(hostKey === undefined ? [] : [ownKeys]), ...(knownHosts === undefined ? [] : [knownHosts])];
	const files = named.length > 0 ? named : [join(homedir(), ".ssh/known_hosts"), HOST_FILE];
	return [
		["StrictHostKeyChecking", "yes"],
		["UserKnownHostsFile", files.map(quoted).join(" ")],
		["GlobalKnownHostsFile", "/dev/null"],
		["UpdateHostKeys", "no"],
		["VerifyHostKeyDNS", "no"],
	];
}

function login({ identityFile, password }: SshfsOptions): [string, string][] {
	const key: [string, string][] =
		identityFile === undefined
			? []
			: [
					["IdentityFile", quoted(identityFile)],
					["IdentitiesOnly", "yes"],
				];
	const agent: [string, string] = ["IdentityAgent", "none"];
	if (password === undefined) return [...key, agent, ["BatchMode", "yes"]];
	return [
		...key,
		agent,
		["password_stdin", ""],
		["NumberOfPasswordPrompts", "1"],
		["PubkeyAuthentication", identityFile === undefined ? "no" : "yes"],
	];
}

/** A path as a value of ssh's: it splits at spaces, and replaces what begins with a percent sign. */
function quoted(path: string): string {
	return `"${path.replaceAll("%", "%%").replaceAll(/["\\]/g, "\\$&")}"`;
}

/** A value in sshfs's list: a comma ends it. */
function listed(option: string): string {
	return option.replaceAll(/[\\,]/g, "\\$&");
}
