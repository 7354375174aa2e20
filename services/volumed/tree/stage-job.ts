/** One step of a stage within a volume's content (`stage.ts`). On a thread for trees. */
import type { Order, Tell } from "./messages.ts";
import { inSlices } from "./slices.ts";
import { Stage } from "./stage.ts";

export class StageJob implements Disposable {
	readonly #order: Order<"stage">;
	readonly #tell: Tell;
	#isOver = false;

	constructor(order: Order<"stage">, tell: Tell) {
		this.#order = order;
		this.#tell = tell;
	}

	async run(): Promise<void> {
		const { step, content, id } = this.#order;
		if (step.kind === "begin") Stage.make(content, id);
		else if (step.kind === "end") Stage.remove(content, id);
		else {
			using stage = new Stage(content, id);
			const steps = step.kind === "enter" ? stage.enter() : stage.prepare(step.entering, step.implied);
			if (
				!(await inSlices(
					steps,
					() => undefined,
					() => this.#isOver,
				))
			)
				return;
		}
		this.#tell({ kind: "staged" });
	}

	[Symbol.dispose](): void {
		this.#isOver = true;
	}
}
