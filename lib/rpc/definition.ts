/** The service definitions that ts-proto generates, as types to infer requests and responses from. */

export interface Method<Req, Res> {
	/** `/wharf.ipam.v1.IpamService/AllocateSubnet` */
	readonly path: string;
	readonly requestStream: boolean;
	readonly responseStream: boolean;
	readonly requestSerialize: (message: Req) => Buffer;
	readonly requestDeserialize: (bytes: Buffer) => Req;
	readonly responseSerialize: (message: Res) => Buffer;
	readonly responseDeserialize: (bytes: Buffer) => Res;
}

// oxlint-disable-next-line typescript/no-explicit-any -- a definition holds methods of different messages; RequestOf and ResponseOf get them back.
export type AnyMethod = Method<any, any>;
export type Definition = Readonly<Record<string, AnyMethod>>;

export type RequestOf<M> = M extends { readonly requestDeserialize: (bytes: Buffer) => infer Req } ? Req : never;
export type ResponseOf<M> = M extends { readonly responseDeserialize: (bytes: Buffer) => infer Res } ? Res : never;

/** `AllocateSubnet`, for sentences, from the method's path. */
export function methodName(path: string): string {
	return path.slice(path.lastIndexOf("/") + 1);
}

/** `wharf.ipam.v1.IpamService`, from the path of its methods. */
export function serviceName(definition: Definition): string {
	const [first] = Object.values(definition);
	if (!first) throw new Error("A service without methods has no name.");
	return first.path.slice(1, first.path.lastIndexOf("/"));
}
