import { freezerContract } from "./freezer-contract.ts";
import { ModelFreezer } from "./model-freezer.ts";

freezerContract(async () => {
	const freezer = new ModelFreezer();
	freezer.groups.set("/one", "thawed");
	return {
		freezer,
		cgroup: "/one",
		freeze: () => void freezer.groups.set("/one", "frozen"),
		stands: async () => freezer.groups.get("/one") === "frozen",
		goesOn: async () => freezer.groups.get("/one") !== "frozen",
		[Symbol.asyncDispose]: async () => undefined,
	};
});
