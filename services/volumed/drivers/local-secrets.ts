/** What in the options of a mount is nobody's to read: it is in no fault, no status and no line of a log. */
import type { MountOptions } from "./local-options.ts";

const SECRET = /^(?:pass|passwd|password2?|credentials|cred|secret|secretfile|key)=(.+)$/i;
const IN_DEVICE = /\/\/[^/@:]*:([^/@]*)@/;

/** The text, whoever wrote it, without any of them. */
export function withoutSecrets(text: string, { words, device }: Pick<MountOptions, "words" | "device">): string {
	const secrets = [...words.map((word) => SECRET.exec(word)?.[1]), IN_DEVICE.exec(device)?.[1]];
	return secrets
		.filter((secret) => secret !== undefined && secret !== "")
		.reduce<string>((masked, secret) => masked.replaceAll(secret ?? "", "***"), text);
}
