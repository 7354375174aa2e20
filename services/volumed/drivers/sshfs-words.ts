/** Why a mount failed: what ssh and sshfs said, and what to do about it, as a part of a sentence. */
import type { SshfsOptions } from "./sshfs-options.ts";
import { lineOf } from "./words.ts";

/** What stands in their lines, and what then helps. The first that fits. */
const ADVICE: readonly (readonly [RegExp, (options: SshfsOptions) => string])[] = [
	[
		/host key is known for/,
		({ host, port }) =>
			`give the server's key as host_key (as \`ssh-keyscan -p ${port} ${host}\` prints it, when you have checked it) or as known_hosts`,
	],
	[
		/has changed|REVOKED|Host key verification failed/,
		() =>
			"the server's key is not the one that is known: correct host_key or known_hosts if that is right, otherwise somebody is in between",
	],
	[/Permission denied \(|Too many authentication/, ({ login, password }) => loginAdvice(login, password !== undefined)],
	[/UNPROTECTED PRIVATE KEY|bad permissions/, () => "nobody but root may read the identity_file"],
	[
		/: (No such file or directory|Not a directory|Permission denied)$/m,
		() => "make that directory on the server, or correct device",
	],
	[/fuse: device not found|\/dev\/fuse/, () => "`modprobe fuse` loads what is missing in the kernel"],
	[
		/resolve hostname|Connection|timed out|route to host|unreachable|kex_exchange/,
		() => "see that the server runs and can be reached",
	],
	[/subsystem request failed/, () => "the server has no SFTP: enable it in its sshd_config"],
];

/** sshfs's own last line says less than what ssh has said before it. */
const NOISE = /^(read: Connection reset by peer|remote host has disconnected)$/;
/** Ornament, and where the file of known hosts is. */
const BANNER =
	/^@|^\s*$|^IT IS POSSIBLE|^Someone could|^It is also possible|^Please contact|^Add correct|^\s+remove with|^\s+ssh-keygen/;

export function explained(stderr: string, options: SshfsOptions): string {
	const lines = stderr.split(/[\r\n]+/).filter((line) => !BANNER.test(line));
	const said = lines.filter((line) => !NOISE.test(line));
	const words = lineOf((said.length > 0 ? said : lines).slice(-4).join(" "));
	const advice = ADVICE.find(([pattern]) => pattern.test(stderr))?.[1](options);
	return advice === undefined ? words : `${words}; ${advice}`;
}

function loginAdvice(login: string, hasPassword: boolean): string {
	const secret = hasPassword ? "password" : "identity_file";
	return `the server does not let ${login} in: correct device or ${secret}`;
}
