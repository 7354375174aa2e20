/**
 * Server reflection, v1 and v1alpha, from the descriptors that `npm run generate` makes: any gRPC client finds and calls our services.
 *
 * @grpc/reflection brings proto-loader and protobufjs and reads every descriptor: some 100 ms and megabytes that a daemon's start has
 * no use for. So its methods are registered as bytes, and it is loaded when somebody first asks.
 */
import { existsSync, readFileSync } from "node:fs";
import {
	type Server as GrpcServer,
	type ServerDuplexStream,
	type ServiceDefinition,
	status,
	type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { Log } from "#lib/log/log.ts";

const VERSIONS = ["v1", "v1alpha"] as const;
type Version = (typeof VERSIONS)[number];

/** In the source tree, and beside the bundle. */
const DESCRIPTORS = ["../../proto/gen/descriptors.binpb", "./descriptors.binpb"];

/** One version of the service as @grpc/reflection registers it. */
interface Reflection {
	readonly definition: ServiceDefinition;
	readonly implementation: UntypedServiceImplementation;
}

/** Serves reflection of these services (full names) and of health. */
export function addReflection(grpc: GrpcServer, services: readonly string[], log: Log): void {
	let loaded: Promise<ReadonlyMap<Version, Reflection>> | undefined;
	const bytes = (message: Buffer) => message;
	for (const version of VERSIONS) {
		const method = {
			path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
			requestStream: true,
			responseStream: true,
			requestSerialize: bytes,
			requestDeserialize: bytes,
			responseSerialize: bytes,
			responseDeserialize: bytes,
		};
		const answer = async (call: ServerDuplexStream<Buffer, Buffer>) => {
			try {
				loaded ??= load(services);
				const reflection = (await loaded).get(version);
				if (reflection) connect(call, reflection);
			} catch (error) {
				log.error("reflection", { err: error });
				call.emit("error", { code: status.INTERNAL, details: "Reflection is not available." });
			}
		};
		grpc.addService(
			{ serverReflectionInfo: method },
			{ serverReflectionInfo: (call: ServerDuplexStream<Buffer, Buffer>) => void answer(call) },
		);
	}
}

/** Joins a call in bytes to the implementation, which reads with listeners and answers each message with one. */
function connect(call: ServerDuplexStream<Buffer, Buffer>, { definition, implementation }: Reflection): void {
	const { ServerReflectionInfo: method } = definition;
	const { ServerReflectionInfo: handle } = implementation;
	if (!method || !handle) throw new Error("@grpc/reflection registers another method than ServerReflectionInfo.");
	const stream = {
		on: (event: string, listener: (message?: unknown) => void) => {
			if (event !== "data") return call.on(event, listener);
			return call.on("data", (message: Buffer) => {
				try {
					listener(method.requestDeserialize(message));
				} catch {
					call.emit("error", { code: status.INVALID_ARGUMENT, details: "This is not a ServerReflectionRequest." });
				}
			});
		},
		write: (message: unknown) => call.write(method.responseSerialize(message)),
		end: () => call.end(),
	};
	// It uses no more of a server call than the three methods above.
	(handle as (stream: unknown) => void)(stream);
}

async function load(services: readonly string[]): Promise<ReadonlyMap<Version, Reflection>> {
	const [{ ReflectionService }, loader, health] = await Promise.all([
		import("@grpc/reflection"),
		import("@grpc/proto-loader"),
		import("grpc-health-check"),
	]);
	const descriptors = loader.loadFileDescriptorSetFromBuffer(readFileSync(descriptorsUrl()));
	const reflection = new ReflectionService(
		{ ...descriptors, ...loader.loadSync(health.protoPath) },
		{ services: [...services] },
	);
	const registered: Reflection[] = [];
	const recorder = {
		addService: (definition: ServiceDefinition, implementation: UntypedServiceImplementation) => {
			registered.push({ definition, implementation });
		},
	};
	// `addToServer` calls `addService` for v1 and v1alpha and nothing else.
	reflection.addToServer(recorder);
	return new Map(
		VERSIONS.flatMap((version) => {
			const found = registered.find(({ definition }) =>
				Object.values(definition).some(({ path }) => path.startsWith(`/grpc.reflection.${version}.`)),
			);
			return found ? [[version, found]] : [];
		}),
	);
}

function descriptorsUrl(): URL {
	const candidates = DESCRIPTORS.map((path) => new URL(path, import.meta.url));
	const found = candidates.find((url) => existsSync(url));
	if (!found) throw new Error("The descriptors are missing: run `npm run generate`.");
	return found;
}
