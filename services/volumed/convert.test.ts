import { expect, test } from "vitest";
import { ActivateAttachmentRequest, AttachRequest } from "#gen/wharf/volume/v1/volume.ts";
import { parseActivate, parseAttach } from "./convert.ts";

const party = { holder: "test", containerId: "c1" };
const cgroupOf = (cgroup?: string) => [
	parseAttach(AttachRequest.fromPartial({ ...party, cgroup })).cgroup,
	parseActivate(ActivateAttachmentRequest.fromPartial({ ...party, cgroup })).cgroup,
];

test.each([
	[undefined, undefined],
	["", ""],
	["/wharf/c1", "/wharf/c1"],
	["//wharf/./c1/", "/wharf/c1"],
])("the control group %j is %j", (text, cgroup) => {
	expect(cgroupOf(text)).toEqual([cgroup, cgroup]);
});

test.each([
	"wharf/c1",
	"system.slice:wharf:c1",
	"/",
	"/.",
	"/wharf/../c1",
	"/..",
	"/wharf\0",
	`/${"a/".repeat(3_000)}`,
])("the control group %j is refused", (text) => {
	const refused = expect.objectContaining({ reason: "INVALID_PATH", field: "cgroup" });
	expect(() => parseAttach(AttachRequest.fromPartial({ ...party, cgroup: text }))).toThrow(refused);
	expect(() => parseActivate(ActivateAttachmentRequest.fromPartial({ ...party, cgroup: text }))).toThrow(refused);
});
