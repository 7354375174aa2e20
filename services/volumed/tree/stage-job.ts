/** One step of a stage within a volume's content (`stage.ts`). On a thread for trees. */
import { closeFile } from "#lib/linux/files/open.ts";
import type { Order, StageStep, Tell } from "./messages.ts";
import { inSlices } from "./slices.ts";
import { Stage } from "./stage.ts";
import { openAroundStage } from "./stage-folder.ts";

export class StageJob implements Disposable {
	readonly #order: Order<"stage">;
	readonly #tell: Tell;
	readonly #held = new DisposableStack();

	constructor(order: Order<"stage">, tell: Tell) {
		this.#order = order;
		this.#tell = tell;
	}

	async run(): Promise<void> {
		const { step, content, id } = this.#order;
		switch (step.kind) {
			case "begin":
				Stage.make(content, id);
				return this.#tell({ kind: "staged" });
			case "prepare":
			case "enter":
				return await this.#move(step);
			case "hold": {
				const around = openAroundStage(content, id);
				if (around !== undefined) this.#held.adopt(around, closeFile);
				return this.#tell({ kind: "held", around });
			}
			case "end":
				Stage.remove(content, id);
				return this.#tell({ kind: "staged" });
		}
	}

	async #move(step: Extract<StageStep, { kind: "prepare" | "enter" }>): Promise<void> {
		const { content, id } = this.#order;
		using stage = new Stage(content, id);
		const steps = step.kind === "enter" ? stage.enter(step.seal) : stage.prepare(step.entering, step.implied);
		if (
			!(await inSlices(
				steps,
				() => undefined,
				() => this.#held.disposed,
			))
		)
			return;
		this.#tell(step.kind === "enter" ? { kind: "staged" } : { kind: "prepared", seal: stage.seal });
	}

	[Symbol.dispose](): void {
		this.#held[Symbol.dispose]();
	}
}
