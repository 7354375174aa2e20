import { kernelContract } from "../contract.ts";
import { ModelKernel } from "./model.ts";
import { HOST_NAMESPACE } from "./state.ts";

for (const lacking of [[], ["dummy", "802.1q", "sctp"]] as const) {
	kernelContract(`the model${lacking.map((kind) => ` without ${kind}`).join("")}`, () => {
		const kernel = new ModelKernel();
		for (const kind of lacking) kernel.state.lacking.add(kind);
		return {
			kernel,
			netnsPath: (name) => `/netns/${name}`,
			addForeignLink: (name) => kernel.addForeignLink(name),
			removeForeignLink: (name) => kernel.state.removeParent(name),
			writeDockersRules: (policy) => kernel.foreign.write("ip filter DOCKER-USER", { drops: policy === "drop" }),
			addAddress: (name, address) => kernel.addAddress(name, address),
			writeNeighbour: (neighbour) => {
				kernel.state.neighbours = [...kernel.state.neighbours, neighbour];
			},
			addressesOf: (name) => [...(kernel.state.hostAddresses.get(name) ?? [])].map(String).sort(),
			sourceRules: (netns) => kernel.state.sandbox(netns).sourceRoutes.map(({ source }) => source.toString()),
			foreignProcess: async () => {
				const path = "/proc/4711/ns/net";
				kernel.addProcess(4711, path);
				return { pid: 4711, path, end: async () => kernel.endProcess(4711) };
			},
			hostPath: HOST_NAMESPACE,
			supports: (kind) => !kernel.state.lacking.has(kind),
			[Symbol.dispose]: () => {},
		};
	});
}
