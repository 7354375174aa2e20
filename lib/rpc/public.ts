/** What `wharf/client` gives to programs: the typed client, the faults it throws, and every contract's definitions and messages. */
export { Fault, isFault } from "#lib/fault/fault.ts";
export type { Address } from "./address.ts";
export { checkHealth } from "./check-health.ts";
export { type CallOptions, type ClientOf, type ClientOptions, client } from "./client.ts";

export { ContainerServiceService as ContainerService } from "#gen/wharf/container/v1/container.ts";
export { DnsServiceService as DnsService } from "#gen/wharf/dns/v1/dns.ts";
export { IpamServiceService as IpamService } from "#gen/wharf/ipam/v1/ipam.ts";
export { DiagnosisServiceService as DiagnosisService } from "#gen/wharf/network/v1/diagnosis.ts";
export {
	EndpointServiceService as EndpointService,
	NameServiceService as NameService,
} from "#gen/wharf/network/v1/endpoint.ts";
export { NetworkServiceService as NetworkService } from "#gen/wharf/network/v1/network.ts";
export { SandboxServiceService as SandboxService } from "#gen/wharf/network/v1/sandbox.ts";
export {
	AttachmentServiceService as AttachmentService,
	BackupServiceService as BackupService,
	VolumeServiceService as VolumeService,
} from "#gen/wharf/volume/v1/volume.ts";

/** The messages, by contract: `network.CreateNetworkRequest.fromPartial({ name: "front" })`. */
export * as container from "#gen/wharf/container/v1/container.ts";
export * as diagnosis from "#gen/wharf/network/v1/diagnosis.ts";
export * as dns from "#gen/wharf/dns/v1/dns.ts";
export * as event from "#gen/wharf/event/v1/event.ts";
export * as ipam from "#gen/wharf/ipam/v1/ipam.ts";
export * as endpoint from "#gen/wharf/network/v1/endpoint.ts";
export * as network from "#gen/wharf/network/v1/network.ts";
export * as sandbox from "#gen/wharf/network/v1/sandbox.ts";
export * as volume from "#gen/wharf/volume/v1/volume.ts";
