/**
 * grpc.health.v1, as far as it is spoken here.
 *
 * The messages are one field each, written by hand: the package that has them loads proto-loader and protobufjs, 45 ms of every
 * daemon's start and of every command that asks. Source: grpc/proto/grpc/health/v1/health.proto.
 */
import { BinaryReader, BinaryWriter } from "@bufbuild/protobuf/wire";

export const ServingStatus = { SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 } as const;

export interface HealthCheckRequest {
	service: string;
}

export interface HealthCheckResponse {
	/** A `ServingStatus`. */
	status: number;
}

const messages = {
	requestSerialize: ({ service }: HealthCheckRequest): Buffer =>
		Buffer.from(service === "" ? [] : new BinaryWriter().uint32(10).string(service).finish()),
	requestDeserialize: (bytes: Buffer): HealthCheckRequest => {
		const reader = new BinaryReader(bytes);
		let service = "";
		while (reader.pos < reader.len) {
			const [field, wireType] = reader.tag();
			if (field === 1) service = reader.string();
			else reader.skip(wireType);
		}
		return { service };
	},
	responseSerialize: ({ status }: HealthCheckResponse): Buffer =>
		Buffer.from(new BinaryWriter().uint32(8).int32(status).finish()),
	responseDeserialize: (bytes: Buffer): HealthCheckResponse => {
		const reader = new BinaryReader(bytes);
		let status = 0;
		while (reader.pos < reader.len) {
			const [field, wireType] = reader.tag();
			if (field === 1) status = reader.int32();
			else reader.skip(wireType);
		}
		return { status };
	},
};

export const HealthService = {
	check: { path: "/grpc.health.v1.Health/Check", requestStream: false, responseStream: false, ...messages },
	watch: { path: "/grpc.health.v1.Health/Watch", requestStream: false, responseStream: true, ...messages },
} as const;
