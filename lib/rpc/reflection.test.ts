/** A client that knows nothing of our contracts finds a service by reflection and calls it. */
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { BinaryWriter } from "@bufbuild/protobuf/wire";
import {
	Client,
	type ClientDuplexStream,
	credentials,
	loadPackageDefinition,
	type ServiceClientConstructor,
} from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, loadSync, type PackageDefinition } from "@grpc/proto-loader";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
	DnsServiceService,
	FlushCacheResponse,
	GetStatusResponse,
	ListSandboxesResponse,
	LookUpResponse,
	WatchQueriesResponse,
} from "#gen/wharf/dns/v1/dns.ts";
import { implement, serverStream, unary } from "./handler.ts";
import { type Place, place } from "./testing/echo.ts";

let here: Place;
beforeEach(async () => {
	here = place();
	const dns = implement(DnsServiceService, {
		getStatus: unary({
			parse: () => undefined,
			run: () => 42n,
			render: (revision) => GetStatusResponse.fromPartial({ revision }),
		}),
		lookUp: unary({ parse: ({ name }) => name, run: () => [], render: () => LookUpResponse.fromPartial({}) }),
		listSandboxes: unary({
			parse: () => undefined,
			run: () => [],
			render: () => ListSandboxesResponse.fromPartial({}),
		}),
		watchQueries: serverStream({
			parse: () => undefined,
			run: async function* () {},
			render: () => WatchQueriesResponse.fromPartial({}),
		}),
		flushCache: unary({ parse: () => undefined, run: () => 0, render: () => FlushCacheResponse.fromPartial({}) }),
	});
	await here.serve({}, { services: [dns] });
});
afterEach(() => here[Symbol.asyncDispose]());

/** The client that a package's definition describes, by the service's full name. */
function clientOf(definition: PackageDefinition, name: string) {
	// grpc-js types a package as a tree of names; the path to a service ends in its constructor.
	const packages = loadPackageDefinition(definition) as unknown as Record<string, unknown>;
	const Client = name
		.split(".")
		.reduce<unknown>((tree, part) => (tree as Record<string, unknown>)[part], packages) as ServiceClientConstructor;
	return new Client(`unix:${here.socket}`, credentials.createInsecure());
}

interface Answer {
	listServicesResponse?: { service: { name: string }[] };
	fileDescriptorResponse?: { fileDescriptorProto: Buffer[] };
	errorResponse?: { errorCode: number };
}

const PROTOS = join(dirname(createRequire(import.meta.url).resolve("@grpc/reflection/package.json")), "build/proto");

/** Asks everything on one stream, as clients do. */
async function ask(version: string, questions: object[]): Promise<Answer[]> {
	const definition = loadSync(join(PROTOS, `grpc/reflection/${version}/reflection.proto`));
	const reflection = clientOf(definition, `grpc.reflection.${version}.ServerReflection`);
	const stream = (reflection["ServerReflectionInfo"] as () => ClientDuplexStream<object, Answer>).call(reflection);
	const answers: Answer[] = [];
	const ended = new Promise((resolve, reject) => {
		stream.on("data", (answer: Answer) => answers.push(answer));
		stream.once("end", resolve);
		stream.once("error", reject);
	});
	for (const question of questions) stream.write(question);
	stream.end();
	await ended;
	reflection.close();
	return answers;
}

describe.each(["v1", "v1alpha"])("reflection %s", (version) => {
	test("lists what is served, and nothing else of our contracts", async () => {
		const [answer] = await ask(version, [{ listServices: "" }]);
		const names = answer?.listServicesResponse?.service.map(({ name }) => name).sort();
		expect(names).toEqual(["grpc.health.v1.Health", "wharf.dns.v1.DnsService", "wharf.rpc.v1.PipelineService"]);
	});

	test("describes a service well enough to call it", async () => {
		const [answer] = await ask(version, [{ fileContainingSymbol: "wharf.dns.v1.DnsService" }]);
		const files = new BinaryWriter();
		for (const file of answer?.fileDescriptorResponse?.fileDescriptorProto ?? []) files.uint32(10).bytes(file);
		const definition = loadFileDescriptorSetFromBuffer(Buffer.from(files.finish()), { longs: String });
		const dns = clientOf(definition, "wharf.dns.v1.DnsService");
		const status = await new Promise<{ revision: string }>((resolve, reject) => {
			const getStatus = dns["GetStatus"] as (request: object, done: (error: unknown, status: never) => void) => void;
			getStatus.call(dns, {}, (error, response) => (error ? reject(error) : resolve(response)));
		});
		expect(status.revision).toBe("42");
		dns.close();
	});

	test("answers nonsense with an error, and goes on", async () => {
		const same = (bytes: Buffer) => bytes;
		const client = new Client(`unix:${here.socket}`, credentials.createInsecure());
		const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
		const stream = client.makeBidiStreamRequest(path, same, same).resume();
		const ended = new Promise((resolve) => {
			stream.once("error", resolve);
		});
		stream.write(Buffer.from([0xff, 0xff]));
		expect(await ended).toMatchObject({ code: 3 });
		client.close();
		expect(await ask(version, [{ listServices: "" }])).toHaveLength(1);
	});

	test("describes health, and says so of what it does not know", async () => {
		const [health, nobody] = await ask(version, [
			{ fileContainingSymbol: "grpc.health.v1.Health" },
			{ fileContainingSymbol: "wharf.nobody.v1.Nobody" },
		]);
		expect(health?.fileDescriptorResponse?.fileDescriptorProto).not.toHaveLength(0);
		expect(nobody?.errorResponse?.errorCode).toBe(5);
	});
});
