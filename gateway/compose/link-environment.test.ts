import { expect, test } from "vitest";
import { ContainerSpec } from "#gen/wharf/container/v1/container.ts";
import { environmentOf } from "./link-environment.ts";

test("the environment is Docker's", () => {
	const spec = ContainerSpec.fromPartial({
		environment: ["MYSQL_ROOT_PASSWORD=secret", "PATH=/bin", "HOME=/"],
		ports: [
			{ containerPort: 3307 },
			{ containerPort: 53, protocol: "PROTOCOL_UDP" },
			{ containerPort: 53, protocol: "PROTOCOL_TCP" },
			{ containerPort: 3306, hostPort: 13_306 },
		],
	});
	const view = { alias: "mysql-server", address: "172.17.0.2", name: "client", other: { spec } };
	const entries = environmentOf(view);
	expect(entries[0]).toBe("MYSQL_SERVER_PORT=tcp://172.17.0.2:53");
	expect(entries.slice(-2)).toEqual([
		"MYSQL_SERVER_NAME=/client/mysql-server",
		"MYSQL_SERVER_ENV_MYSQL_ROOT_PASSWORD=secret",
	]);
	expect(entries.filter((entry) => entry.includes("_53_UDP"))).toEqual([
		"MYSQL_SERVER_PORT_53_UDP=udp://172.17.0.2:53",
		"MYSQL_SERVER_PORT_53_UDP_ADDR=172.17.0.2",
		"MYSQL_SERVER_PORT_53_UDP_PORT=53",
		"MYSQL_SERVER_PORT_53_UDP_PROTO=udp",
	]);
	expect(entries.filter((entry) => /_(START|END)=/.test(entry))).toEqual([
		"MYSQL_SERVER_PORT_3306_TCP_START=tcp://172.17.0.2:3306",
		"MYSQL_SERVER_PORT_3306_TCP_PORT_START=3306",
		"MYSQL_SERVER_PORT_3306_TCP_END=tcp://172.17.0.2:3307",
		"MYSQL_SERVER_PORT_3306_TCP_PORT_END=3307",
	]);
	expect(environmentOf({ ...view, other: { spec: ContainerSpec.fromPartial({}) } })).toEqual([
		"MYSQL_SERVER_NAME=/client/mysql-server",
	]);
});
