/** volumed as users run it: bundled as in the package, in a folder that is gone afterwards. */
import { copyFileSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bundle } from "../../scripts/bundle.ts";

const CHECKOUT = resolve(import.meta.dirname, "../..");

export class Bundled implements Disposable {
	readonly #folder = mkdtempSync(join(tmpdir(), "wharf-bundle-"));

	static async make(): Promise<Bundled> {
		const bundled = new Bundled();
		copyFileSync(join(CHECKOUT, "package.json"), join(bundled.#folder, "package.json"));
		symlinkSync(join(CHECKOUT, "node_modules"), join(bundled.#folder, "node_modules"));
		await bundle(join(bundled.#folder, "dist"));
		return bundled;
	}

	/** The program, as Node takes it. */
	get volumed(): string {
		return join(this.#folder, "dist/volumed.js");
	}

	[Symbol.dispose](): void {
		rmSync(this.#folder, { recursive: true });
	}
}
