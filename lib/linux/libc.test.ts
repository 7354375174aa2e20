import { openSync } from "node:fs";
import { expect, test } from "vitest";
import { atCall, checked, checkedAside, errnoName, isErrno, LinuxError, loadLibrary } from "./libc.ts";

const PROTOTYPE = "long read(int fd, void *data, size_t length)";
const read = checked<[fd: number, data: Uint8Array, length: number]>(PROTOTYPE);
const readAside = checkedAside<[fd: number, data: Uint8Array, length: number]>(PROTOTYPE);

function thrown(body: () => unknown): unknown {
	try {
		return body();
	} catch (error) {
		return error;
	}
}

test("a call answers with its result", async () => {
	const data = Buffer.alloc(4, 1);
	const zero = openSync("/dev/zero", "r");
	expect(read(zero, data, data.length)).toBe(4);
	expect(data).toEqual(Buffer.alloc(4));
	expect(await readAside(zero, Buffer.alloc(2), 2)).toBe(2);
});

test("a refused call throws errno, its symbol and what was called", async () => {
	const error = thrown(() => read(-1, Buffer.alloc(1), 1));
	expect(error).toBeInstanceOf(LinuxError);
	expect(error).toMatchObject({ errno: 9, code: "EBADF", call: "read", message: "read: Bad file descriptor (EBADF)" });
	const named = thrown(() => atCall("read nothing", () => read(-1, Buffer.alloc(1), 1)));
	expect(named).toMatchObject({ code: "EBADF", call: "read nothing" });
	await expect(readAside(-1, Buffer.alloc(1), 1)).rejects.toMatchObject({ code: "EIO", call: "read" });
});

test("errors of this folder and of Node are told by the same symbols", () => {
	const absent = thrown(() => openSync("/nonexistent", "r"));
	expect(isErrno(absent, "ENOENT")).toBe(true);
	expect(isErrno(new LinuxError(2, "x"), "EEXIST", "ENOENT")).toBe(true);
	expect(isErrno(new LinuxError(2, "x"), "EEXIST")).toBe(false);
	expect(isErrno("ENOENT", "ENOENT")).toBe(false);
	const nameless = Object.assign(new Error("UNKNOWN: unknown error, write"), { code: "UNKNOWN", errno: -122 });
	expect([isErrno(nameless, "EDQUOT"), isErrno(nameless, "ENOSPC", "UNKNOWN")]).toEqual([true, false]);
	expect([errnoName(95), errnoName(11), errnoName(9999)]).toEqual(["EOPNOTSUPP", "EAGAIN", "errno 9999"]);
});

test("a library that is not there is undefined", () => {
	expect(loadLibrary("libnowhere.so.1")).toBeUndefined();
});
