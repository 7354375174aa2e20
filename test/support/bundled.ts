/** wharf as users have it from npm: bundled as in the package, in a folder that is gone afterwards. */
import { chmodSync, copyFileSync, cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bundle } from "../../scripts/bundle.ts";

const CHECKOUT = resolve(import.meta.dirname, "../..");

export class Bundled implements Disposable {
	readonly #folder = mkdtempSync(join(tmpdir(), "wharf-bundle-"));

	static async make(): Promise<Bundled> {
		const bundled = new Bundled();
		const folder = bundled.#folder;
		// Whoever may run what is installed may run this.
		chmodSync(folder, 0o755);
		copyFileSync(join(CHECKOUT, "package.json"), join(folder, "package.json"));
		cpSync(join(CHECKOUT, "bin"), join(folder, "bin"), { recursive: true });
		symlinkSync(join(CHECKOUT, "node_modules"), join(folder, "node_modules"));
		await bundle(join(folder, "dist"));
		return bundled;
	}

	/** The command. */
	get wharf(): string {
		return join(this.#folder, "bin/wharf");
	}

	/** The program, as Node takes it. */
	get volumed(): string {
		return join(this.#folder, "dist/volumed.js");
	}

	[Symbol.dispose](): void {
		rmSync(this.#folder, { recursive: true });
	}
}
