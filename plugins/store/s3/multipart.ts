/** Puts a large object in parts. It appears when all are there; until then, and where it fails, there is nothing. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
  type CompletedPart,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';

/** How parts are sent. */
export interface PartOptions {
  readonly partSize: number;
  /** Runs a request when it is its turn. */
  readonly send: <T>(request: () => Promise<T>) => Promise<T>;
  readonly signal: AbortSignal | undefined;
}

/** Rejects with the SDK's error, after the parts that were sent are given up. */
export async function putInParts(
  client: S3Client,
  input: PutObjectCommandInput,
  data: Uint8Array,
  { partSize, send, signal }: PartOptions,
): Promise<void> {
  const { Bucket, Key, ChecksumAlgorithm } = input;
  const failed = new AbortController();
  const abortSignal = signal ? AbortSignal.any([signal, failed.signal]) : failed.signal;
  // Not aborted: an upload whose id never reaches us could not be given up.
  const { UploadId } = await send(() => client.send(new CreateMultipartUploadCommand(input)));
  const upload = { Bucket, Key, UploadId };
  const sendPart = async (index: number): Promise<CompletedPart> => {
    const Body = data.subarray(index * partSize, (index + 1) * partSize);
    const part = { ...upload, PartNumber: index + 1, Body, ChecksumAlgorithm };
    const { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumSHA256 } = await send(() =>
      client.send(new UploadPartCommand(part), { abortSignal }),
    );
    return { PartNumber: index + 1, ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumSHA256 };
  };
  // With an aborted signal each part rejects at once.
  const sending = Array.from({ length: Math.ceil(data.length / partSize) }, (_, index) => sendPart(index));
  try {
    const Parts = await Promise.all(sending);
    const complete = new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } });
    await send(() => client.send(complete, { abortSignal }));
  } catch (error) {
    failed.abort();
    // A part that arrives after the abort would be kept, and paid for, forever.
    await Promise.allSettled(sending);
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
    throw error;
  }
}
