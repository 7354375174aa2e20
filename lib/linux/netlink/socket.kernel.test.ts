import { afterEach, beforeEach, expect, test } from "vitest";
import { parseIfName } from "#lib/address/if-name.ts";
import { ipJson, runIn, ScratchNetns } from "../test-support/scratch-netns.ts";
import { NLM_F_ACK } from "./message.ts";
import { Rtnetlink } from "./rtnetlink.ts";
import { NETLINK_NETFILTER, NETLINK_ROUTE, NetlinkSocket } from "./socket.ts";

const RTM_DELLINK = 17;
const RTM_GETLINK = 18;

let scratch: ScratchNetns;
let netns: string;

beforeEach(() => {
	scratch = new ScratchNetns();
	netns = scratch.create("a");
});

afterEach(() => scratch[Symbol.dispose]());

/** `struct ifinfomsg` */
function linkHeader(index: number): Buffer {
	const header = Buffer.alloc(16);
	header.writeInt32LE(index, 4);
	return header;
}

test("an answer of more than a dump's datagram is whole, and so is the next one", () => {
	const names = Array.from({ length: 400 }, (_, index) => `altname-${index}-`.padEnd(127, "x"));
	runIn(netns, "ip", "link", "add", "br0", "type", "bridge");
	const commands = names.map((name) => `link property add dev br0 altname ${name}`);
	runIn(netns, "sh", "-c", `printf '%s\\n' "$@" | ip -batch -`, "sh", ...commands);
	using rt = Rtnetlink.open(netns);
	using socket = NetlinkSocket.open(NETLINK_ROUTE, netns);
	const { index } = rt.links.get(parseIfName("br0"));
	const ask = { label: "get link", type: RTM_GETLINK, flags: 0, body: linkHeader(index) };
	const [reply, ...more] = socket.request(ask);
	expect(more).toEqual([]);
	expect(reply?.body.length).toBeGreaterThan(32 * 1024);
	const text = reply?.body.toString("latin1") ?? "";
	expect(names.filter((name) => !text.includes(name))).toEqual([]);
	expect(ipJson(netns, "link", "show", "br0")[0].altnames).toHaveLength(400);
	expect(socket.request({ ...ask, body: linkHeader(1) })).toHaveLength(1);
	// What was answered before is the caller's.
	expect(reply?.body.toString("latin1")).toBe(text);
});

test("every refusal of a transaction arrives, few or thousands, and the socket goes on", () => {
	using socket = NetlinkSocket.open(NETLINK_ROUTE, netns);
	for (const count of [1, 16, 17, 5_000]) {
		const requests = Array.from({ length: count }, (_, index) => ({
			label: `remove link ${index + 2}`,
			type: RTM_DELLINK,
			flags: NLM_F_ACK,
			body: linkHeader(index + 2),
		}));
		const refusals = socket.transact(requests);
		expect(refusals.map(({ index, error }) => [index, error.code, error.call])).toEqual(
			requests.map(({ label }, index) => [index, "ENODEV", label]),
		);
		expect(socket.request({ label: "get lo", type: RTM_GETLINK, flags: 0, body: linkHeader(1) })).toHaveLength(1);
	}
});

test("what succeeds without an acknowledgement is passed over, and the last one ends the reading", () => {
	using socket = NetlinkSocket.open(NETLINK_ROUTE, netns);
	const get = { label: "get lo", type: RTM_GETLINK, flags: 0, body: linkHeader(1) };
	const refused = { label: "get 9", type: RTM_GETLINK, flags: 0, body: linkHeader(9) };
	expect(socket.transact([get, refused, { ...get, flags: NLM_F_ACK }]).map(({ index }) => index)).toEqual([1]);
	expect(() => socket.transact([get])).toThrow(/the kernel gave no answer/);
});

test("a transaction that the kernel does not even begin is refused at its first message", () => {
	using socket = NetlinkSocket.open(NETLINK_NETFILTER, netns);
	// A subsystem that does not exist: only the first bracket is answered.
	const bracket = { flags: 0, body: Buffer.from("0000003f", "hex") };
	const refusals = socket.transact([
		{ label: "begin", type: 0x10, ...bracket },
		{ label: "change", type: 0x3f00, flags: NLM_F_ACK, body: Buffer.alloc(4) },
		{ label: "end", type: 0x11, ...bracket },
	]);
	expect(refusals.map(({ index, error }) => [index, error.call])).toEqual([[0, "begin"]]);
});
