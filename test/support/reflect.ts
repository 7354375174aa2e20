/**
 * A client that knows no contract: it asks a socket for its services and their descriptors, and calls ListNetworks with what it was told.
 *
 * A program of its own: it loads grpc-js and protobufjs as any stranger would, not through lib/rpc.
 */
import { credentials, loadPackageDefinition, makeGenericClientConstructor } from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer } from "@grpc/proto-loader";
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

const address = `unix:${process.argv[2] ?? ""}`;
const SERVICE = "wharf.network.v1.NetworkService";

// ServerReflectionRequest: list_services = 7, file_containing_symbol = 4.
const ask = (field: 7 | 4, value: string): Buffer =>
	Buffer.from(
		new BinaryWriter()
			.uint32((field << 3) | 2)
			.string(value)
			.finish(),
	);
const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };
const Reflection = makeGenericClientConstructor(
	{
		info: {
			path: "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
			requestStream: true,
			responseStream: true,
			requestSerialize: bytes.serialize,
			requestDeserialize: bytes.deserialize,
			responseSerialize: bytes.serialize,
			responseDeserialize: bytes.deserialize,
		},
	},
	"ServerReflection",
);

/** The length-delimited fields of a message, by number. */
function fields(message: Uint8Array): [number, Uint8Array][] {
	const reader = new BinaryReader(message);
	const found: [number, Uint8Array][] = [];
	while (reader.pos < reader.len) {
		const tag = reader.uint32();
		if ((tag & 7) === 2) found.push([tag >>> 3, reader.bytes()]);
		// oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- the low three bits of a tag are its wire type
		else reader.skip(tag & 7);
	}
	return found;
}

const only = (message: Uint8Array, field: number): Uint8Array[] =>
	fields(message)
		.filter(([number]) => number === field)
		.map(([, value]) => value);

async function reflect(request: Buffer): Promise<Uint8Array> {
	const client = new Reflection(address, credentials.createInsecure());
	const stream = client["info"]?.();
	stream.write(request);
	stream.end();
	for await (const response of stream) {
		client.close();
		return response as Buffer;
	}
	throw new Error("no answer");
}

// ServerReflectionResponse: list_services_response = 6 { service = 1 { name = 1 } }, file_descriptor_response = 4 { file_descriptor_proto = 1 }.
const [list = new Uint8Array()] = only(await reflect(ask(7, "*")), 6);
const services = only(list, 1).map((service) => Buffer.from(only(service, 1)[0] ?? []).toString());

const [descriptors = new Uint8Array()] = only(await reflect(ask(4, SERVICE)), 4);
const set = new BinaryWriter();
for (const file of only(descriptors, 1)) set.uint32(10).bytes(file);
const loaded = loadPackageDefinition(loadFileDescriptorSetFromBuffer(Buffer.from(set.finish()), { defaults: true }));
// The tree that grpc-js makes has no types: it is the contract as the server told it.
// oxlint-disable-next-line typescript/no-explicit-any -- see above
const NetworkService = (loaded as any).wharf.network.v1.NetworkService;
const client = new NetworkService(address, credentials.createInsecure());
client.listNetworks({}, (error: Error | null, response: { networks: { name: string }[] }) => {
	if (error !== null) throw error;
	console.log(JSON.stringify({ services, networks: response.networks.map(({ name }) => name) }));
	client.close();
});
