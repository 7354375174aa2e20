/** Whether the kernel has what netd needs. */
import { commandLine, type Finding } from "./finding.ts";
import type { Situation } from "./situation.ts";

export function checkFeatures({ host }: Situation): Finding[] {
	return host.missing.map(({ feature, module, words }) => ({
		severity: "error",
		code: "KERNEL_FEATURE_MISSING",
		sentence: `The kernel has no ${feature} (${words}).`,
		advice: `Load the module ${module}; a kernel without it is one that wharf cannot run on.`,
		commands: [commandLine("modprobe", module)],
		metadata: { feature, module, words },
	}));
}
