/** The contract's methods and the use cases behind them. */
import { DiagnosisServiceService } from "#gen/wharf/network/v1/diagnosis.ts";
import { EndpointServiceService, NameServiceService } from "#gen/wharf/network/v1/endpoint.ts";
import { NetworkServiceService } from "#gen/wharf/network/v1/network.ts";
import { SandboxServiceService } from "#gen/wharf/network/v1/sandbox.ts";
import { bidi, type Implementation, implement, mutation, unary } from "#lib/rpc/handler.ts";
import { pageToken } from "#lib/rpc/page.ts";
import type { Netd } from "./assemble.ts";
import * as convert from "./convert.ts";
import { renderFinding } from "./convert-diagnosis.ts";
import type { EndpointView } from "./endpoint-view.ts";
import type { Connected, Disconnected } from "./endpoints.ts";
import type { Network } from "./network.ts";
import type { Created } from "./networks.ts";
import type { Sandbox } from "./sandbox.ts";

export function netdServices({ networks, sandboxes, endpoints, ports, names, diagnosis }: Netd): Implementation[] {
	const renderSandbox = (sandbox: Sandbox) => convert.renderSandbox(sandbox, sandboxes.resolving(sandbox));
	const renderNetwork = (network: Network) =>
		convert.renderNetwork(network, { configFrom: networks.configOf(network), publishes: networks.publishes(network) });
	return [
		implement(NetworkServiceService, {
			createNetwork: mutation({
				parse: convert.parseCreateNetwork,
				run: (spec, call) => networks.create(spec, call),
				render: ({ network, warnings }: Created) => ({
					network: renderNetwork(network),
					warnings: [...warnings],
				}),
			}),
			getNetwork: unary({
				parse: ({ network }) => network,
				run: (ref) => networks.get(ref),
				render: (network) => ({ network: renderNetwork(network) }),
			}),
			listNetworks: unary({
				parse: convert.parseListNetworks,
				run: ({ filter, page }) => networks.list(filter, page),
				render: ({ items, next }) => ({ networks: items.map(renderNetwork), nextPageToken: pageToken(next) }),
			}),
			deleteNetwork: mutation({
				parse: ({ network }) => network,
				run: (ref, call) => networks.delete(ref, call),
				render: (id: string) => ({ id }),
			}),
		}),
		implement(SandboxServiceService, {
			createSandbox: mutation({
				parse: convert.parseCreateSandbox,
				run: (spec, call) => sandboxes.create(spec, call),
				render: (sandbox: Sandbox) => ({ sandbox: renderSandbox(sandbox) }),
			}),
			getSandbox: unary({
				parse: ({ id }) => id,
				run: (id) => sandboxes.get(id),
				render: (sandbox) => ({ sandbox: renderSandbox(sandbox) }),
			}),
			listSandboxes: unary({
				parse: convert.parseListSandboxes,
				run: ({ filter, page }) => sandboxes.list(filter, page),
				render: ({ items, next }) => ({ sandboxes: items.map(renderSandbox), nextPageToken: pageToken(next) }),
			}),
			deleteSandbox: mutation({
				parse: ({ id }) => id,
				run: (id, call) => sandboxes.delete(id, call),
				render: (deleted: boolean) => ({ deleted }),
			}),
		}),
		implement(EndpointServiceService, {
			connect: mutation({
				parse: convert.parseConnect,
				run: (spec, call) => endpoints.connect(spec, call),
				render: ({ view, namesLag }: Connected) => ({ endpoint: convert.renderEndpoint(view), namesLag }),
			}),
			disconnect: mutation({
				parse: ({ endpointId }) => endpointId,
				run: (id, call) => endpoints.disconnect(id, call),
				render: (result: Disconnected) => result,
			}),
			getEndpoint: unary({
				parse: ({ id }) => id,
				run: (id) => endpoints.get(id),
				render: (view) => ({ endpoint: convert.renderEndpoint(view) }),
			}),
			listEndpoints: unary({
				parse: convert.parseListEndpoints,
				run: ({ filter, page }) => endpoints.list(filter, page),
				render: ({ items, next }) => ({ endpoints: items.map(convert.renderEndpoint), nextPageToken: pageToken(next) }),
			}),
			publishPorts: mutation({
				parse: convert.parsePublish,
				run: (spec, call) => ports.publish(spec, call),
				render: (view: EndpointView) => ({ endpoint: convert.renderEndpoint(view) }),
			}),
			unpublishPorts: mutation({
				parse: convert.parseUnpublish,
				run: (spec, call) => ports.unpublish(spec, call),
				render: (view: EndpointView) => ({ endpoint: convert.renderEndpoint(view) }),
			}),
		}),
		implement(NameServiceService, {
			watchNames: bidi({
				parse: ({ acknowledgedRevision }) => Number(acknowledgedRevision),
				run: (acknowledged, { signal }) => names.watch(acknowledged, signal),
				render: convert.renderTold,
			}),
		}),
		implement(DiagnosisServiceService, {
			diagnose: unary({
				parse: () => undefined,
				run: () => diagnosis.run(),
				render: (findings) => ({ findings: findings.map(renderFinding) }),
			}),
		}),
	];
}
