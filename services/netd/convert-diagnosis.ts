/** Findings as the contract has them. */
import type * as diagnosis from "#gen/wharf/network/v1/diagnosis.ts";
import type { Finding } from "./diagnosis/finding.ts";

const SEVERITIES = { info: "SEVERITY_INFO", warning: "SEVERITY_WARNING", error: "SEVERITY_ERROR" } as const;

export function renderFinding({ severity, code, sentence, advice, commands, metadata }: Finding): diagnosis.Finding {
	return { severity: SEVERITIES[severity], code, sentence, advice, commands: [...commands], metadata: { ...metadata } };
}
