import { expect, test } from "vitest";
import { differenceOf, newVolume } from "./volume.ts";

const specOf = (options: Readonly<Record<string, string>>) => ({
	name: undefined,
	driver: "plugin",
	options: new Map(Object.entries(options)),
	labels: new Map(),
});

test.each([
	[{ api_token: "old-1,old-2" }, { api_token: "new-1,new-2" }],
	[{ password: "old-1,old-2" }, {}],
	[{}, { secret: "new-1" }],
	[{ o: "ro,password=old-1,rw" }, { o: "ro,pass=new-1" }],
])("what is different is told without secrets: %j, %j", (there, asked) => {
	const volume = newVolume(specOf(there), "plugin", 0);
	const difference = differenceOf(volume, specOf(asked));
	expect(difference).toMatch(/^(the|no) option \w+=/);
	expect(difference).not.toMatch(/old-|new-/);
});
