import { kernelContract } from "../contract.ts";
import { ModelKernel } from "./model.ts";

kernelContract("the model", () => {
	const kernel = new ModelKernel();
	return {
		kernel,
		netnsPath: (name) => `/netns/${name}`,
		addForeignLink: (name) => kernel.addForeignLink(name),
		[Symbol.dispose]: () => {},
	};
});
