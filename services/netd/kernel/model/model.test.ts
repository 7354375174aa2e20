import { kernelContract } from "../contract.ts";
import { ModelKernel } from "./model.ts";

for (const lacking of [[], ["dummy", "802.1q", "sctp"]] as const) {
	kernelContract(`the model${lacking.map((kind) => ` without ${kind}`).join("")}`, () => {
		const kernel = new ModelKernel();
		for (const kind of lacking) kernel.state.lacking.add(kind);
		return {
			kernel,
			netnsPath: (name) => `/netns/${name}`,
			addForeignLink: (name) => kernel.addForeignLink(name),
			removeForeignLink: (name) => kernel.state.removeParent(name),
			sourceRules: (netns) => kernel.state.sandbox(netns).sourceRoutes.map(({ source }) => source.toString()),
			supports: (kind) => !kernel.state.lacking.has(kind),
			[Symbol.dispose]: () => {},
		};
	});
}
