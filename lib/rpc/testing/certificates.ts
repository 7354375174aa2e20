/** Certificates made with openssl, for the tests of mutual TLS. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "#lib/exec/run.ts";
import type { TlsFiles } from "../address.ts";

export interface Authority {
	/** A certificate for `localhost` and 127.0.0.1. */
	issue(name: string): Promise<TlsFiles>;
}

/** A certificate authority whose files are in `directory`. */
export async function authority(directory: string, name: string): Promise<Authority> {
	const file = (end: string) => join(directory, `${name}-${end}`);
	const openssl = (...args: string[]) => run("openssl", args);
	const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
	const ca = { cert: file("ca.crt"), key: file("ca.key") };
	await openssl("req", "-x509", ...newKey, "-subj", `/CN=${name}`, "-days", "2", "-keyout", ca.key, "-out", ca.cert);
	return {
		issue: async (subject) => {
			const own = { cert: file(`${subject}.crt`), key: file(`${subject}.key`), ca: ca.cert };
			const request = file(`${subject}.csr`);
			const extensions = file(`${subject}.ext`);
			writeFileSync(extensions, "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
			await openssl("req", ...newKey, "-subj", `/CN=${subject}`, "-keyout", own.key, "-out", request);
			const by = ["-CA", ca.cert, "-CAkey", ca.key, "-CAcreateserial"];
			await openssl("x509", "-req", "-in", request, ...by, "-days", "2", "-extfile", extensions, "-out", own.cert);
			return own;
		},
	};
}
