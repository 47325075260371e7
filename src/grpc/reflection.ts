import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { FileDescriptorSetSchema, type DescriptorProto, type FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import type { BidiStreamHandler } from '../context';
import {
  ServerReflectionService as V1,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '../gen/grpc/reflection/v1/reflection';
import { ServerReflectionService as V1Alpha } from '../gen/grpc/reflection/v1alpha/reflection';
import type { RpcService } from '../rpc/rpc-service';

/** The bytes of every file of a FileDescriptorSet, verbatim: encoding them anew would lose what we do not know of. */
const splitFiles = (descriptors: Uint8Array): Uint8Array[] => {
  const reader = new BinaryReader(descriptors);
  const files: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag();
    if (field === 1) files.push(reader.bytes());
    else reader.skip(wireType, field);
  }
  return files;
};

/** Every full name that a message declares, itself included. */
const symbolsOfMessage = (message: DescriptorProto, scope: string): string[] => {
  const name = `${scope}${message.name}`;
  return [
    name,
    ...message.field.map((field) => `${name}.${field.name}`),
    ...message.oneofDecl.map((oneof) => `${name}.${oneof.name}`),
    ...message.enumType.map((type) => `${name}.${type.name}`),
    ...message.nestedType.flatMap((nested) => symbolsOfMessage(nested, `${name}.`)),
  ];
};

const symbolsOfFile = (file: FileDescriptorProto): string[] => {
  const scope = file.package === '' ? '' : `${file.package}.`;
  return [
    ...file.messageType.flatMap((message) => symbolsOfMessage(message, scope)),
    ...file.enumType.flatMap((type) =>
      [type.name, ...type.value.map((value) => value.name)].map((name) => scope + name),
    ),
    ...file.extension.map((extension) => scope + extension.name),
    ...file.service.flatMap((service) =>
      [service.name, ...service.method.map((method) => `${service.name}.${method.name}`)].map((name) => scope + name),
    ),
  ];
};

/** Server reflection v1 and v1alpha, whole enough for `grpcurl list`, `describe` and calls. */
export const createReflection = (descriptors: Uint8Array): readonly RpcService[] => {
  const bytes = splitFiles(descriptors);
  const { file: files } = fromBinary(FileDescriptorSetSchema, descriptors);
  const byName = new Map(files.map((file, index) => [file.name, index]));
  const bySymbol = new Map(
    files.flatMap((file, index) => symbolsOfFile(file).map((symbol) => [symbol, index] as const)),
  );
  const services = files.flatMap((file) =>
    file.service.map((service) => ({ name: `${file.package}.${service.name}` })),
  );

  /** A file and all it imports, in any order: clients sort them out by their names. */
  const closure = (index: number, seen = new Set<number>()): Set<number> => {
    if (seen.has(index)) return seen;
    seen.add(index);
    for (const dependency of files[index]?.dependency ?? []) {
      const next = byName.get(dependency);
      if (next !== undefined) closure(next, seen);
    }
    return seen;
  };

  type Answer = ServerReflectionResponse['message_response'];
  const fault = (error_code: status, error_message: string): Answer => ({
    $case: 'error_response',
    value: { error_code, error_message },
  });
  const filesOf = (index: number | undefined, what: string): Answer =>
    index === undefined
      ? fault(status.NOT_FOUND, `${what} was not found`)
      : {
          $case: 'file_descriptor_response',
          value: { file_descriptor_proto: [...closure(index)].map((file) => Buffer.from(bytes[file] ?? [])) },
        };

  const answer = ({ message_request: request }: ServerReflectionRequest): Answer => {
    switch (request?.$case) {
      case 'list_services':
        return { $case: 'list_services_response', value: { service: services } };
      case 'file_by_filename':
        return filesOf(byName.get(request.value), request.value);
      case 'file_containing_symbol':
        return filesOf(bySymbol.get(request.value), request.value);
      case 'file_containing_extension':
        return fault(status.NOT_FOUND, 'there are no extensions');
      case 'all_extension_numbers_of_type':
        return bySymbol.has(request.value)
          ? {
              $case: 'all_extension_numbers_response',
              value: { base_type_name: request.value, extension_number: [] },
            }
          : fault(status.NOT_FOUND, `${request.value} was not found`);
      case undefined:
        return fault(status.INVALID_ARGUMENT, 'the request asks for nothing');
    }
  };

  const serverReflectionInfo: BidiStreamHandler<ServerReflectionRequest, ServerReflectionResponse> = async function* (
    _ctx,
    requests,
  ) {
    for await (const request of requests) {
      yield { valid_host: request.host, original_request: request, message_response: answer(request) };
    }
  };
  const endless = ['serverReflectionInfo'];
  return [V1, V1Alpha].map((definition) => ({ definition, unary: {}, bidiStream: { serverReflectionInfo }, endless }));
};
