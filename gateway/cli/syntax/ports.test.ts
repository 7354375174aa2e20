import { describe, expect, test } from "vitest";
import { parseContainerPort, parsePorts } from "./ports.ts";

const port = (hostPort: number, containerPort: number, hostAddress = "", protocol = "tcp", hostPortEnd = 0) => ({
	protocol,
	hostAddress,
	hostPort,
	hostPortEnd,
	containerPort,
});

describe("-p", () => {
	test.each([
		["80", [port(0, 80)]],
		["8080:80", [port(8080, 80)]],
		[":80", [port(0, 80)]],
		["0:80", [port(0, 80)]],
		["8080:80/udp", [port(8080, 80, "", "udp")]],
		["53:53/UDP", [port(53, 53, "", "udp")]],
		["8080:80/sctp", [port(8080, 80, "", "sctp")]],
		["127.0.0.1:8080:80", [port(8080, 80, "127.0.0.1")]],
		["127.0.0.1::80", [port(0, 80, "127.0.0.1")]],
		["[::1]:8080:80", [port(8080, 80, "::1")]],
		["[fd00::2]::80/tcp", [port(0, 80, "fd00::2")]],
		["8000-8002:80-82", [port(8000, 80), port(8001, 81), port(8002, 82)]],
		["8000-8010:80", [port(8000, 80, "", "tcp", 8010)]],
		["127.0.0.1:8000-8010:53/udp", [port(8000, 53, "127.0.0.1", "udp", 8010)]],
		["8000-8000:80", [port(8000, 80)]],
		["8000-8001", [port(0, 8000), port(0, 8001)]],
		["10.0.0.1:7000-7001:70-71/udp", [port(7000, 70, "10.0.0.1", "udp"), port(7001, 71, "10.0.0.1", "udp")]],
	])("%s", (text, expected) => expect(parsePorts(text)).toEqual(expected));

	test.each([
		"",
		"x",
		"0",
		"80:0",
		"65536",
		"80:",
		"80-79",
		"1-3:1-2",
		"8080:80/icmp",
		"1:2:3:4",
		"::1:80:80",
		"80/",
		"-1:80",
		"8080:80:",
	])("%j is refused with what is allowed", (text) =>
		expect(() => parsePorts(text)).toThrow(/^The port ".*" is not valid: it has to be /),
	);
});

describe("wharf port NAME PORT", () => {
	test("a port, with or without its protocol", () => {
		expect(parseContainerPort("80")).toMatchObject({ containerPort: 80, protocol: "tcp" });
		expect(parseContainerPort("53/udp")).toMatchObject({ containerPort: 53, protocol: "udp" });
		for (const text of ["80-81", "8080:80", "http"]) expect(() => parseContainerPort(text)).toThrow("The port");
	});
});
