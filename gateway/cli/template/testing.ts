/** What the tests ask templates of: an object with something of everything, in the shape of `inspect`. */
import { Template } from "./template.ts";
import { inspectView } from "./view.ts";

const port = { HostIp: "0.0.0.0", HostPort: "8080" };

export const WEB = {
	Id: "c0ffee",
	Name: "/web",
	Args: ["-m", "http.server"],
	State: { Status: "running", Running: true, Paused: false, Pid: 4711 },
	HostConfig: { Binds: null, Links: null, Dns: ["192.0.2.53"] },
	Mounts: [{ Name: "data", RW: true }],
	Config: {
		Domainname: "",
		Env: ["A=1", "B=2"],
		Labels: { "com.x": "1", b: "ü", Links: "a label" },
		Volumes: { "/volume1": {}, "/a": {} } as object | null,
	},
	NetworkSettings: {
		Ports: { "80/tcp": [port] },
		Networks: { front: { IPAddress: "172.18.0.2", Links: null }, Labels: { IPAddress: "10.0.0.2" } },
	},
	Unknown: { nothing: null, empty: {}, none: [], half: 1.5, large: 123_456_789 },
};

/** What `inspect -f` prints of it. */
export function printedOf(text: string, object: object = WEB): string {
	return new Template(text).run(inspectView(object));
}
