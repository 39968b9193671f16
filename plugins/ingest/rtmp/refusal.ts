/** Why connections end: the label `reason` of the counter, one word for each cause. */

/** Each cause for which a connection ends. */
export const END_REASONS = [
  // The peer's doing, without harm.
  'peer-closed',
  'publisher-left',
  'socket-error',
  // The server's decision about a peer that did nothing wrong.
  'publish-refused',
  'publication-ended',
  'downstream-blocked',
  'stopped',
  // Limits.
  'connection-limit',
  'peer-limit',
  'peer-rate',
  'handshake-deadline',
  'publish-deadline',
  'idle',
  'write-backlog',
  'message-too-large',
  'reassembly-limit',
  'chunk-stream-limit',
  'stream-limit',
  // Violations of the protocol.
  'tls-failed',
  'handshake-invalid',
  'chunk-header-invalid',
  'chunk-size-invalid',
  'control-invalid',
  'amf-invalid',
  'connect-invalid',
  'app-unknown',
  'publish-invalid',
  'publish-twice',
  'player',
  'media-before-publish',
  'media-malformed',
  // Ours.
  'internal',
] as const;

/** Why a connection ended. */
export type EndReason = (typeof END_REASONS)[number];

/** Thrown by the reading side: this connection must end, and no other one is touched. */
export class RtmpRefusal extends Error {
  override readonly name = 'RtmpRefusal';
  readonly reason: EndReason;

  constructor(reason: EndReason, message: string) {
    super(message);
    this.reason = reason;
  }
}
