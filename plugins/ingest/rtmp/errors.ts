/** Error codes of `ingest.rtmp`; they print as `ingest.rtmp/CODE`. */
import { defineCodes } from 'eddy/plugin';

export const rtmpErrors = defineCodes({
  LISTEN_FAILED: {
    severity: 'error',
    kind: 'resource',
    meaning: 'The address to listen on could not be bound.',
    mend: 'Stop what holds the port ("ss -ltnp" shows it), or give another "listen". Ports below 1024 need a privilege.',
    example: 'rtmp: { plugin: ingest.rtmp, listen: 127.0.0.1:1935 }   # while another server holds 1935',
  },
  TLS_FILE_UNREADABLE: {
    severity: 'error',
    kind: 'resource',
    meaning: 'The certificate or key of "tls" could not be read or does not fit.',
    mend: 'Check both paths (relative to the pipeline file), their permissions, and that key and certificate belong together.',
    example: 'tls: { cert: ./cert.pem, key: ./key.pem }',
  },
  CODEC_UNSUPPORTED: {
    severity: 'warning',
    kind: 'media',
    meaning: 'The publisher sends a codec that Eddy does not carry; that track is dropped, its others go on.',
    mend: 'Publish H.264 (or HEVC, AV1, VP9) and AAC (or Opus, MP3).',
    example: "audio codec 'fLaC' in an RTMP audio message",
  },
  TIMESTAMP_JUMP: {
    severity: 'warning',
    kind: 'media',
    meaning:
      "The publisher's timestamps jumped; the timeline was continued by the server's clock, with a discontinuity.",
    mend: 'Usually an encoder that restarted or loops a file. With ffmpeg, loop with "-stream_loop -1" before "-i".',
    example: 'timestamps of video jumped by -12000 ms',
  },
  KEY_FRAME_MISSING: {
    severity: 'warning',
    kind: 'media',
    meaning: 'No key frame has come for 10 seconds: new viewers wait, and segments cannot be cut where they should.',
    mend: 'Set a key frame interval of 1 to 2 seconds in the encoder (x264: "-g 60" at 30 frames a second).',
    example: 'no key frame for 10 s of video',
  },
  CONFIG_MISSING: {
    severity: 'warning',
    kind: 'media',
    meaning:
      'Frames come without the decoder configuration that must go before them, so nobody could decode the track.',
    mend: 'Restart the publisher; relays must forward the sequence headers to a server that joins late.',
    example: 'audio frames of aac without a sequence header',
  },
  FRAMES_REFUSED: {
    severity: 'warning',
    kind: 'media',
    meaning: 'Frames whose NAL units contradict their lengths were dropped; the track resumes at the next key frame.',
    mend: 'Check the publisher: relays that convert Annex B to MP4 framing wrongly do this.',
    example: 'a NAL unit ends before its announced length',
  },
});
