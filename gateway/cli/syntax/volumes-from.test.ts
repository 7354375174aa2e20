import { expect, test } from "vitest";
import { parseVolumesFrom } from "./volumes-from.ts";

test.each([
	["web", "web", false],
	["web:rw", "web", false],
	["web:ro", "web", true],
	["3f2a", "3f2a", false],
])("%s", (text, container, readOnly) => expect(parseVolumesFrom(text)).toEqual({ container, readOnly }));

// Docker takes labels of SELinux and hints on caching here too; they would change nothing.
test.each(["", ":", ":ro", "web:", "web:RO", "web:ro,rw", "web:z", "web:shared", "web:nocopy", "web:ro:rw"])(
	"not %j",
	(text) => expect(() => parseVolumesFrom(text)).toThrow("it has to be CONTAINER, CONTAINER:ro or CONTAINER:rw."),
);
