/** The settings that every daemon has; `<root>/wharf.json` holds them once for all. */
import { hostname } from "node:os";
import { list, oneOf, type Parser, path, string } from "#lib/config/parsers.ts";
import type { SettingsOf } from "#lib/config/settings.ts";
import type { NatsSettings } from "#lib/events/connection.ts";
import { LOG_LEVELS } from "#lib/log/log.ts";
import type { TcpAddress } from "#lib/rpc/address.ts";
import { daemonFaults } from "./faults.ts";

interface Endpoint {
	readonly host: string;
	readonly port: number;
}

/** `127.0.0.1:7001`, `[::1]:7001`, `host.example:7001`. */
const endpoint: Parser<Endpoint> = {
	allowed: "a host and a port, as 10.0.0.1:7001 or [fd00::1]:7001",
	parse: (value) => {
		const [, inBrackets, plain, digits] =
			/^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(typeof value === "string" ? value : "") ?? [];
		const host = inBrackets ?? plain;
		const port = Number(digits);
		return host !== undefined && port <= 65_535 ? { host, port } : undefined;
	},
};

export function commonSchema(name: string) {
	return {
		logLevel: { key: "logLevel", parse: oneOf(LOG_LEVELS), default: "info", doc: "How much is logged." },
		host: { key: "host", parse: string, default: hostname(), doc: "This host's name in events." },
		natsServers: { key: "nats.servers", parse: list(string), default: undefined, doc: "Where NATS is, as host:4222." },
		natsUser: { key: "nats.user", parse: string, default: undefined, doc: "The user for NATS." },
		natsPass: { key: "nats.pass", parse: string, default: undefined, doc: "The user's password.", secret: true },
		natsCa: { key: "nats.ca", parse: path, default: undefined, doc: "Who signs NATS's certificate, PEM." },
		natsCert: { key: "nats.cert", parse: path, default: undefined, doc: "This host's certificate for NATS, PEM." },
		natsKey: { key: "nats.key", parse: path, default: undefined, doc: "Its key, PEM." },
		listen: {
			key: `${name}.listen`,
			parse: endpoint,
			default: undefined,
			doc: "Where to listen on TCP besides the socket.",
		},
		tlsCert: { key: "tls.cert", parse: path, default: undefined, doc: "This host's certificate, PEM." },
		tlsKey: { key: "tls.key", parse: path, default: undefined, doc: "Its key, PEM." },
		tlsCa: { key: "tls.ca", parse: path, default: undefined, doc: "Who signs the certificates of both sides, PEM." },
	} as const;
}

export type CommonSettings = SettingsOf<ReturnType<typeof commonSchema>>;

/** Undefined: events stay in the outbox. */
export function natsOf(settings: CommonSettings): NatsSettings | undefined {
	const { natsServers: servers, natsUser: user, natsPass: pass, natsCa: ca, natsCert: cert, natsKey: key } = settings;
	if (servers === undefined) return undefined;
	const hasTls = ca !== undefined || cert !== undefined || key !== undefined;
	return { servers, user, pass, tls: hasTls ? { ca, cert, key } : undefined };
}

/** Undefined: the socket only. TCP without all three files is a Fault. */
export function tcpOf({ listen, tlsCert, tlsKey, tlsCa }: CommonSettings): TcpAddress | undefined {
	if (listen === undefined) return undefined;
	if (tlsCert === undefined || tlsKey === undefined || tlsCa === undefined) {
		throw daemonFaults.TLS_REQUIRED({ host: listen.host, port: `${listen.port}` });
	}
	return { ...listen, tls: { cert: tlsCert, key: tlsKey, ca: tlsCa } };
}
