import { create, createFileRegistry, fromBinary, type DescMessage } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema, FileDescriptorSetSchema, type FileDescriptorProto } from '@bufbuild/protobuf/wkt';
import { credentials, makeClientConstructor, type ClientDuplexStream } from '@grpc/grpc-js';
import {
  ServerReflectionService as V1,
  type ServerReflectionRequest,
  type ServerReflectionResponse,
} from '../../src/gen/grpc/reflection/v1/reflection';
import { ServerReflectionService as V1Alpha } from '../../src/gen/grpc/reflection/v1alpha/reflection';
import { services } from '../../src/rpc/services';
import { startTestService, type TestService } from '../support/service';

let test: TestService;
beforeAll(async () => (test = await startTestService()));
afterAll(() => test.stop());

type Question = NonNullable<ServerReflectionRequest['message_request']>;
type Answer = NonNullable<ServerReflectionResponse['message_response']>;

/** One stream of questions and answers, as grpcurl holds it open for as long as it runs. */
const openReflection = (definition: typeof V1 | typeof V1Alpha) => {
  const client = new (makeClientConstructor(definition, 'reflection'))(
    `127.0.0.1:${test.service.port}`,
    credentials.createInsecure(),
  );
  const stream = (client as unknown as Record<string, () => ClientDuplexStream<unknown, ServerReflectionResponse>>)[
    'serverReflectionInfo'
  ]!();
  const waiting: ((answer: Answer) => void)[] = [];
  stream.on('data', (response: ServerReflectionResponse) => waiting.shift()?.(response.message_response!));
  stream.on('error', () => undefined);
  return {
    ask: (question: Question): Promise<Answer> =>
      new Promise((resolve) => {
        waiting.push(resolve);
        stream.write({ host: '', message_request: question });
      }),
    close: () => {
      stream.end();
      client.close();
    },
  };
};

const filesIn = (answer: Answer): FileDescriptorProto[] => {
  if (answer.$case !== 'file_descriptor_response') throw new Error(JSON.stringify(answer));
  return answer.value.file_descriptor_proto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes));
};

/** Every message that a message is made of, itself included. */
const partsOf = (message: DescMessage, seen = new Set<DescMessage>()): Set<DescMessage> => {
  if (seen.has(message)) return seen;
  seen.add(message);
  for (const { message: part } of message.fields) if (part !== undefined) partsOf(part, seen);
  for (const nested of message.nestedMessages) partsOf(nested, seen);
  return seen;
};

describe.each([
  ['v1', V1],
  ['v1alpha', V1Alpha],
])('reflection %s', (_version, definition) => {
  it('describes every service, method and message, with all that they depend on', async () => {
    const reflection = openReflection(definition);
    const list = await reflection.ask({ $case: 'list_services', value: '' });
    const names = list.$case === 'list_services_response' ? list.value.service.map(({ name }) => name) : [];
    expect(names).toEqual(
      expect.arrayContaining([
        'customer.v1.CustomerService',
        'customer.v1.CustomerGroupService',
        'customer.v1.CustomerEventService',
        'grpc.health.v1.Health',
        'grpc.reflection.v1.ServerReflection',
        'grpc.reflection.v1alpha.ServerReflection',
      ]),
    );
    let described = 0;
    for (const name of names) {
      const files = filesIn(await reflection.ask({ $case: 'file_containing_symbol', value: name }));
      // Throws for a file or a type that is missing.
      const registry = createFileRegistry(create(FileDescriptorSetSchema, { file: files.reverse() }));
      const service = registry.getService(name);
      expect(service?.methods.length).toBeGreaterThan(0);
      for (const method of service!.methods) {
        for (const message of [...partsOf(method.input), ...partsOf(method.output)]) {
          const answer = await reflection.ask({ $case: 'file_containing_symbol', value: message.typeName });
          expect(filesIn(answer).map((file) => file.name)).toContain(`${message.file.name}.proto`);
          described += 1;
        }
      }
    }
    expect(described).toBeGreaterThan(100);
    reflection.close();
  });

  it('finds files by name, error details among them, and says what there is not', async () => {
    const reflection = openReflection(definition);
    const [file] = filesIn(
      await reflection.ask({ $case: 'file_by_filename', value: 'google/rpc/error_details.proto' }),
    );
    expect(file?.package).toBe('google.rpc');
    for (const question of [
      { $case: 'file_by_filename', value: 'no/such.proto' },
      { $case: 'file_containing_symbol', value: 'customer.v1.Nobody' },
      { $case: 'file_containing_extension', value: { containing_type: 'customer.v1.Customer', extension_number: 1 } },
    ] as const) {
      expect(await reflection.ask(question)).toMatchObject({ $case: 'error_response', value: { error_code: 5 } });
    }
    reflection.close();
  });
});

it('says of every service exactly the methods that can be called', async () => {
  const reflection = openReflection(V1);
  for (const { definition } of services) {
    const paths = Object.values(definition).map(({ path }) => path);
    const name = paths[0]!.split('/')[1]!;
    const files = filesIn(await reflection.ask({ $case: 'file_containing_symbol', value: name }));
    const service = createFileRegistry(create(FileDescriptorSetSchema, { file: files.reverse() })).getService(name);
    expect(service?.methods.map((method) => `/${name}/${method.name}`)).toEqual(paths);
  }
  reflection.close();
});
