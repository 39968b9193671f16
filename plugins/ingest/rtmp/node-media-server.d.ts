/** The parts of node-media-server 4.4.3 that Eddy uses; the package has no types. */
declare module 'node-media-server/src/protocol/rtmp.js' {
  /** One connection's protocol state. */
  class Rtmp {
    /** 0 nothing yet, 1 and 2 in the handshake, 3 done. */
    handshakeState: number;
    streams: number;
    /** A buffer of 1 MiB for FLV files, which a server of live streams never uses. */
    flv: unknown;
    onOutputCallback: (bytes: Buffer) => void;
    /** Runs the handshake, then hands all bytes to `chunkRead`. */
    parserData(buffer: Buffer): string | null;
    /** Reads `bytes` bytes of `data` from `p`. */
    chunkRead(data: Buffer, p: number, bytes: number): string | null;
    sendACK(size: number): void;
    sendWindowACK(size: number): void;
    setPeerBandwidth(size: number, type: number): void;
    setChunkSize(size: number): void;
    sendStreamStatus(status: number, streamId: number): void;
    sendInvokeMessage(streamId: number, message: Readonly<Record<string, unknown>>): void;
    sendStatusMessage(streamId: number, level: string, code: string, description: string): void;
    respondCreateStream(transactionId: number): void;
  }
  export default Rtmp;
}

declare module 'node-media-server/src/core/logger.js' {
  const logger: { level: 'trace' | 'debug' | 'info' | 'warn' | 'error' };
  export default logger;
}
