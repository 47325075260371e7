import { status } from '@grpc/grpc-js';
import { DomainError, type Reason } from '../../src/errors';
import { ErrorInfo } from '../../src/gen/google/rpc/error_details';
import { Status } from '../../src/gen/google/rpc/status';
import { answerWith, refusalOf } from '../../src/grpc/status';

const answerTo = (thrown: unknown, callId: string) => {
  const { refusal, isBug } = refusalOf(thrown, callId);
  return { answer: answerWith(refusal), isBug };
};

const decode = (answer: ReturnType<typeof answerWith>) => {
  const [bytes] = answer.metadata.get('grpc-status-details-bin');
  return { size: (bytes as Buffer).length, ...Status.decode(bytes as Buffer) };
};

const REASONS: Partial<Record<keyof typeof status, readonly Reason[]>> = {
  INVALID_ARGUMENT: ['INVALID_REQUEST', 'PAGE_TOKEN_INVALID', 'REQUEST_ID_REUSED'],
  NOT_FOUND: ['CUSTOMER_NOT_FOUND', 'ADDRESS_NOT_FOUND', 'GROUP_NOT_FOUND', 'EVENT_NOT_FOUND'],
  ALREADY_EXISTS: [
    'CUSTOMER_ALREADY_REGISTERED',
    'GUEST_ALREADY_EXISTS',
    'CUSTOMER_ID_TAKEN',
    'EXTERNAL_ID_TAKEN',
    'ADDRESS_ALREADY_EXISTS',
    'GROUP_NAME_TAKEN',
  ],
  FAILED_PRECONDITION: [
    'CUSTOMER_HAS_NO_ACCOUNT',
    'RESET_TOKEN_INVALID',
    'PASSWORD_MISMATCH',
    'TOO_MANY_ADDRESSES',
    'CUSTOMER_ERASED',
    'POSITION_TOO_OLD',
  ],
  OUT_OF_RANGE: ['POSITION_AHEAD'],
  ABORTED: ['REVISION_MISMATCH', 'TRANSACTION_CONFLICT'],
  RESOURCE_EXHAUSTED: ['OVERLOADED'],
  UNAVAILABLE: ['DATABASE_UNAVAILABLE', 'DRAINING'],
};
const SAY_WHEN_TO_RETRY = ['TRANSACTION_CONFLICT', 'OVERLOADED', 'DATABASE_UNAVAILABLE', 'DRAINING'];

describe('status', () => {
  it.each(Object.entries(REASONS).flatMap(([code, reasons]) => reasons.map((reason) => [reason, code] as const)))(
    'of %s is %s, with a RetryInfo where another try may succeed at once',
    (reason, code) => {
      const { answer, isBug } = answerTo(new DomainError(reason, 'said'), '');
      const types = decode(answer).details.map(({ type_url }) => type_url.split('.').at(-1));
      expect({ code: status[answer.code], details: answer.details, isBug }).toEqual({
        code,
        details: 'said',
        isBug: false,
      });
      expect(types).toEqual(['ErrorInfo', ...(SAY_WHEN_TO_RETRY.includes(reason) ? ['RetryInfo'] : [])]);
    },
  );

  it('tells nothing of a bug but the id of the call', () => {
    const { answer, isBug } = answerTo(new Error('the password was hunter2'), 'call-1');
    const [info] = decode(answer).details;
    expect(isBug).toBe(true);
    expect(answer).toMatchObject({ code: status.INTERNAL, details: 'Internal error' });
    expect(ErrorInfo.decode(info!.value)).toEqual({
      reason: 'INTERNAL',
      domain: 'customer.v1',
      metadata: { call_id: 'call-1' },
    });
  });

  it('stays small however long and foreign the texts are', () => {
    const violations = Array.from({ length: 50 }, (_, n) => ({
      field: '€'.repeat(500),
      description: `${n} ${'漢'.repeat(500)}`,
    }));
    const error = new DomainError('INVALID_REQUEST', '😀'.repeat(3_000), { violations });
    const { answer } = answerTo(error, 'call-2');
    const wire = Math.ceil((decode(answer).size * 4) / 3) + encodeURIComponent(answer.details).length;
    expect(wire).toBeLessThan(4_096);
  });

  it('reads a lost connection and a missing table as unavailable', () => {
    const lost = Object.assign(new Error('Connection terminated unexpectedly'));
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    const missing = Object.assign(new Error('relation does not exist'), { code: '42P01' });
    const destroyed = Object.assign(new Error('Cannot call write after'), { code: 'ERR_STREAM_DESTROYED' });
    for (const error of [lost, refused, missing, destroyed])
      expect(answerTo(error, '').answer.code).toBe(status.UNAVAILABLE);
  });
});
