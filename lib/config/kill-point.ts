/**
 * Named places at which a test ends the process as a power cut would: `WHARF_KILL_POINT=<name>`, or `<name>#3` for the third pass.
 *
 * Without the variable a kill point does nothing. There is one after every store write and every kernel call.
 */

const passes = new Map<string, number>();

export function killPoint(name: string): void {
	const wanted = process.env["WHARF_KILL_POINT"];
	if (wanted === undefined || wanted === "") return;
	const hash = wanted.lastIndexOf("#");
	const wantedName = hash < 0 ? wanted : wanted.slice(0, hash);
	if (name !== wantedName) return;
	const pass = (passes.get(name) ?? 0) + 1;
	passes.set(name, pass);
	// kill(2) sends SIGKILL to every thread before it returns: the next line of this thread never runs.
	if (hash < 0 || pass === Number(wanted.slice(hash + 1))) process.kill(process.pid, "SIGKILL");
}
