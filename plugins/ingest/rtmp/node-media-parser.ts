/**
 * {@link RtmpParser} on node-media-server's protocol class: its handshake (plain and digest), its AMF writer and its
 * messages. Reading what strangers send is ours (chunk-reader.ts, amf0.ts); docs/decisions says why.
 */
import logger from 'node-media-server/src/core/logger.js';
import Rtmp from 'node-media-server/src/protocol/rtmp.js';
import { decodeAmf0, isAmfObject, type AmfValue } from './amf0.ts';
import { ChunkReader, type RtmpMessage } from './chunk-reader.ts';
import type { ParserFactory, ParserLimits, RtmpEvents, RtmpParser, StatusLevel } from './parser.ts';
import { RtmpRefusal } from './refusal.ts';

// The library tells of every array that it writes, on stdout, where only data belongs.
logger.level = 'error';

/** RTMP message types (Adobe RTMP 1.0, 5.4 and 7.1). */
const TYPE = {
  acknowledgement: 3,
  userControl: 4,
  windowSize: 5,
  peerBandwidth: 6,
  audio: 8,
  video: 9,
  dataAmf3: 15,
  commandAmf3: 17,
  data: 18,
  command: 20,
} as const;
const PING_REQUEST = 6;
const PING_RESPONSE = 7;
const STREAM_BEGIN = 0;

const RTMP_VERSION = 3;
const HANDSHAKE_DONE = 3;
/** The library always cuts its messages at this size. */
const OUT_CHUNK_SIZE = 65_535;
/** What the peer may have in flight without acknowledgement, in bytes. */
const WINDOW = 5_000_000;
/** A peer that asks for an acknowledgement of every few bytes gets one for this many. */
const SMALLEST_WINDOW = 4096;
/** One publisher needs one stream; encoders that retry use a few. */
const MAX_STREAMS = 16;
/** What {@link RtmpParser} carries beyond H.264 and AAC, as E-RTMP announces it. */
const FOUR_CCS = ['avc1', 'hvc1', 'av01', 'vp08', 'vp09', 'mp4a', 'Opus', '.mp3'];

/** The library's class with its reading half replaced. */
class Protocol extends Rtmp {
  readonly #read: (data: Buffer, at: number, end: number) => void;

  constructor(read: (data: Buffer, at: number, end: number) => void) {
    super();
    this.flv = undefined;
    this.#read = read;
  }

  override chunkRead(data: Buffer, at: number, bytes: number): null {
    this.#read(data, at, at + bytes);
    return null;
  }
}

class NodeMediaParser implements RtmpParser {
  readonly #events: RtmpEvents;
  readonly #protocol: Protocol;
  #started = false;
  /** The stream that publishes, as the peer numbers it. */
  #streamId = 0;
  #window = WINDOW;
  #received = 0;
  #acknowledged = 0;
  #connectTransaction = 1;
  #objectEncoding = 0;

  constructor(events: RtmpEvents, limits: ParserLimits) {
    this.#events = events;
    const reader = new ChunkReader(limits, (message) => this.#message(message));
    this.#protocol = new Protocol((data, at, end) => reader.read(data, at, end));
    this.#protocol.onOutputCallback = (bytes) => events.output(bytes);
  }

  get handshaken(): boolean {
    return this.#protocol.handshakeState === HANDSHAKE_DONE;
  }

  feed(bytes: Buffer): void {
    if (!this.#started && bytes.length > 0) {
      this.#started = true;
      if (bytes[0] !== RTMP_VERSION) {
        throw new RtmpRefusal('handshake-invalid', `the handshake asks for version ${bytes[0]}, not ${RTMP_VERSION}`);
      }
    }
    this.#protocol.parserData(bytes);
    this.#received += bytes.length;
    if (this.handshaken && this.#received - this.#acknowledged >= this.#window) {
      this.#acknowledged = this.#received;
      this.#protocol.sendACK(this.#received >>> 0);
    }
  }

  acceptConnect(): void {
    this.#protocol.sendInvokeMessage(0, {
      cmd: '_result',
      transId: this.#connectTransaction,
      cmdObj: { fmsVer: 'FMS/3,0,1,123', capabilities: 31, fourCcList: strictArray(FOUR_CCS) },
      info: {
        level: 'status',
        code: 'NetConnection.Connect.Success',
        description: 'Connection succeeded.',
        objectEncoding: this.#objectEncoding,
      },
    });
  }

  refuseConnect(code: string, description: string): void {
    const info = { level: 'error', code, description: ascii(description) };
    this.#protocol.sendInvokeMessage(0, { cmd: '_error', transId: this.#connectTransaction, cmdObj: null, info });
  }

  acceptPublish(description: string): void {
    this.#protocol.sendStreamStatus(STREAM_BEGIN, this.#streamId);
    this.status('status', 'NetStream.Publish.Start', description);
  }

  status(level: StatusLevel, code: string, description: string): void {
    this.#protocol.sendStatusMessage(this.#streamId, level, code, ascii(description));
  }

  #message({ type, timestamp, streamId, body }: RtmpMessage): void {
    switch (type) {
      case TYPE.video:
        return this.#events.media({ kind: 'video', timestamp, body });
      case TYPE.audio:
        return this.#events.media({ kind: 'audio', timestamp, body });
      case TYPE.data:
        return this.#events.media({ kind: 'data', timestamp, body });
      case TYPE.dataAmf3:
        // AMF3 messages begin with a byte that says "AMF0 follows", which is all that encoders use.
        return this.#events.media({ kind: 'data', timestamp, body: body.subarray(1) });
      case TYPE.command:
        return this.#command(decodeAmf0(body), streamId);
      case TYPE.commandAmf3:
        return this.#command(decodeAmf0(body, 1), streamId);
      case TYPE.windowSize:
        if (body.length !== 4) throw new RtmpRefusal('control-invalid', `a window size of ${body.length} bytes`);
        this.#window = Math.max(SMALLEST_WINDOW, body.readUInt32BE(0));
        return;
      case TYPE.userControl:
        return this.#userControl(body);
      default:
        // Acknowledgements, bandwidth, shared objects and aggregates ask nothing of a server that only takes in.
        return;
    }
  }

  #userControl(body: Buffer): void {
    if (body.length < 2) throw new RtmpRefusal('control-invalid', `a user control message of ${body.length} bytes`);
    if (body.readUInt16BE(0) !== PING_REQUEST || body.length < 6) return;
    this.#protocol.sendStreamStatus(PING_RESPONSE, body.readUInt32BE(2));
  }

  #command([name, transaction, object, ...rest]: AmfValue[], streamId: number): void {
    const id = typeof transaction === 'number' ? transaction : 0;
    switch (name) {
      case 'connect':
        return this.#connect(id, object);
      case 'createStream':
        if (this.#protocol.streams >= MAX_STREAMS) {
          throw new RtmpRefusal('stream-limit', `more than ${MAX_STREAMS} streams on one connection`);
        }
        return this.#protocol.respondCreateStream(id);
      case 'publish': {
        const [streamName] = rest;
        if (typeof streamName !== 'string') throw new RtmpRefusal('publish-invalid', 'publish without a name');
        this.#streamId = streamId;
        return this.#events.publish(streamName);
      }
      case 'play':
      case 'play2':
        this.#streamId = streamId;
        return this.#events.play();
      case 'FCUnpublish':
      case 'closeStream':
        return this.#events.unpublish();
      case 'deleteStream':
        // Encoders that tidy up before they publish delete streams they never published on.
        if (rest[0] === this.#streamId) this.#events.unpublish();
        return;
      case 'releaseStream':
      case 'FCPublish':
        return this.#protocol.sendInvokeMessage(0, { cmd: '_result', transId: id, cmdObj: null, info: null });
      default:
        // _checkbw, onBWDone and what else encoders say: none waits for an answer.
        return;
    }
  }

  #connect(transaction: number, object: AmfValue): void {
    // Before any answer, since an answer is larger than the default chunk of 128 bytes.
    this.#protocol.sendWindowACK(WINDOW);
    this.#protocol.setPeerBandwidth(WINDOW, 2);
    this.#protocol.setChunkSize(OUT_CHUNK_SIZE);
    this.#connectTransaction = transaction;
    if (!isAmfObject(object)) throw new RtmpRefusal('connect-invalid', 'connect without its object');
    const { app, tcUrl, flashVer, objectEncoding } = object;
    if (typeof app !== 'string' || typeof tcUrl !== 'string' || !URL.canParse(tcUrl)) {
      throw new RtmpRefusal('connect-invalid', 'connect without an app or a readable tcUrl');
    }
    this.#objectEncoding = typeof objectEncoding === 'number' ? objectEncoding : 0;
    this.#events.connect({ app, tcUrl, userAgent: typeof flashVer === 'string' ? flashVer.slice(0, 128) : undefined });
  }
}

/** Makes parsers on node-media-server's protocol class. */
export const nodeMediaParser: ParserFactory = (events, limits) => new NodeMediaParser(events, limits);

/** The library writes an array as a strict one where it carries this mark. */
function strictArray(values: string[]): string[] {
  return Object.assign([...values], { sarray: true });
}

/** The library counts UTF-16 units where AMF wants bytes, so its texts must be ASCII. */
function ascii(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, 1000);
}
