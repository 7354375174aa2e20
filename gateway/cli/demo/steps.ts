/** The tour's steps as command lines of wharf. Pure. */

export interface Programs {
	/** Runs a web server on port 80 that says GREETING. */
	readonly server: readonly string[];
	/** Prints what http://web/ says, as soon as it answers. */
	readonly client: readonly string[];
}

export interface Step {
	readonly does: string;
	readonly args: readonly string[];
	/** What its output has to hold. */
	readonly shows?: string;
}

export const GREETING = "hello from web";
export const NETWORK = "demo";
export const SERVER = "web";
export const VOLUMES = ["demo-data", "demo-copy"] as const;
export const LABEL = "wharf.demo";

const [DATA, COPY] = VOLUMES;

const NODE_SERVER = `require("http").createServer((_, answer) => answer.end("${GREETING}\\n")).listen(80)`;
const NODE_CLIENT =
	`const get = (left) => fetch("http://${SERVER}/").then(async (answer) => process.stdout.write(await answer.text()), ` +
	"(error) => { if (left === 0) throw error; setTimeout(get, 50, left - 1); }); get(200)";

const PERL_SERVER =
	"use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 80, Listen => 9, ReuseAddr => 1) or die $!; " +
	`while (my $c = $s->accept) { sysread $c, my $q, 4096; print $c "HTTP/1.0 200 OK\\r\\n\\r\\n${GREETING}\\n"; close $c }`;
const PERL_CLIENT =
	`use IO::Socket::INET; my $c; for (1 .. 200) { last if $c = IO::Socket::INET->new("${SERVER}:80"); select undef, undef, undef, 0.05 } ` +
	'die "no answer\\n" unless $c; print $c "GET / HTTP/1.0\\r\\n\\r\\n"; local $/; print((split /\\r\\n\\r\\n/, <$c>)[1])';

export function nodePrograms(node: string): Programs {
	return { server: [node, "-e", NODE_SERVER], client: [node, "-e", NODE_CLIENT] };
}

/** For where this Node is not on the root file system, and so not in a container: perl is on every Debian. */
export function perlPrograms(): Programs {
	return { server: ["perl", "-e", PERL_SERVER], client: ["perl", "-e", PERL_CLIENT] };
}

export function networkSteps({ server, client }: Programs, port: string): Step[] {
	const label = ["--label", `${LABEL}=1`];
	return [
		{ does: "a network of its own, with names", args: ["network", "create", ...label, NETWORK] },
		{
			does: "a web server on it, its port published",
			args: ["run", "-d", "--name", SERVER, "--network", NETWORK, "-p", `${port}:80`, ...label, "host", ...server],
		},
		{
			does: "another container fetches it by name",
			args: ["run", "--rm", "--network", NETWORK, "host", ...client],
			shows: GREETING,
		},
	];
}

export function volumeSteps(archive: string): Step[] {
	const write =
		"mkdir -p /data/notes && echo remember >/data/notes/one && date >/data/written && ln -s notes/one /data/link";
	return [
		{ does: "a container writes to a volume", args: ["run", "--rm", "-v", `${DATA}:/data`, "host", "sh", "-c", write] },
		{ does: "the volume, into an ordinary tar", args: ["volume", "backup", DATA, "-o", archive, "--force"] },
		{ does: "the tar, into another volume, verified", args: ["volume", "restore", COPY, archive] },
		{
			does: "both are the same",
			args: [
				"run",
				"--rm",
				"-v",
				`${DATA}:/a:ro`,
				"-v",
				`${COPY}:/b:ro`,
				"host",
				"diff",
				"-r",
				"--no-dereference",
				"/a",
				"/b",
			],
		},
	];
}

/** As a person would type it. */
export function shellLine(words: readonly string[]): string {
	return words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(" ");
}
