/** What S3's errors mean to whoever uses the store. */
import { EddyError, type Code } from 'eddy/plugin';

interface ServiceError {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly $metadata?: { readonly httpStatusCode?: number };
}

const CODES: readonly (readonly [pattern: RegExp, code: Code])[] = [
  [/^NoSuchBucket$/, 'STORE_BUCKET_UNKNOWN'],
  [/^(QuotaExceeded|EntityTooLarge|InsufficientStorage|XMinioStorageFull)$/, 'STORE_FULL'],
  [
    /^(AccessDenied|Forbidden|AllAccessDisabled|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken)$/,
    'STORE_DENIED',
  ],
  [/^(InvalidToken|AccountProblem|CredentialsProviderError|InvalidObjectState|KMS\..*)$/, 'STORE_DENIED'],
];

/** Whether the object is not there. HEAD has no body, so its error has no name but the status. */
export function isAbsence(error: unknown): boolean {
  const { name, $metadata } = error as ServiceError;
  return name === 'NoSuchKey' || name === 'NotFound' || (name !== 'NoSuchBucket' && $metadata?.httpStatusCode === 404);
}

/** Whether a range lies beyond the end of its object. */
export function isBeyondEnd(error: unknown): boolean {
  return (error as ServiceError).name === 'InvalidRange' || statusOf(error) === 416;
}

const statusOf = (error: unknown): number | undefined => (error as ServiceError).$metadata?.httpStatusCode;

/** An error of the SDK under the store's code. */
export function storeError(error: unknown, doing: string): EddyError {
  if (error instanceof EddyError) return error;
  const { name, message } = error as ServiceError;
  const known = CODES.find(([pattern]) => pattern.test(String(name)))?.[1];
  const status = statusOf(error);
  const code = known ?? (status === 401 || status === 403 ? 'STORE_DENIED' : 'STORE_UNREACHABLE');
  return new EddyError(code, `cannot ${doing}: ${String(name)}: ${String(message)}`, {
    cause: error,
    details: status === undefined ? {} : { status },
  });
}
