/**
 * A publisher's own sender reports. The router answers for what it sends with reports of its own, made from arrival
 * times; the publisher's pass by as a producer's trace events.
 */
import type { types } from 'mediasoup';
import type { Logger, RtpSenderReport } from 'eddy/plugin';
import { Listeners } from './listeners.ts';

/** The trace event `sr` (mediasoup's `SrTraceInfo`). */
interface SrTrace {
  /** The publisher's own SSRC. */
  readonly ssrc: number;
  readonly ntpSec: number;
  readonly ntpFrac: number;
  readonly rtpTs: number;
}

/** Seconds from 1900, where NTP begins, to 1970. */
const NTP_EPOCH = 2_208_988_800;
const FRACTION = 2 ** 32;

/** Epoch ms of an NTP timestamp (RFC 3550, 4), in the era of 1968 to 2104. */
export function ntpToEpoch(seconds: number, fraction: number): number {
  const era = seconds < 0x80000000 ? FRACTION : 0;
  return (seconds + era - NTP_EPOCH + fraction / FRACTION) * 1000;
}

/** See the file's head. */
export class SenderReports {
  readonly #producer: types.Producer;
  readonly #delivered: readonly (number | undefined)[];
  readonly #listeners: Listeners<RtpSenderReport>;
  readonly #last = new Map<number, RtpSenderReport>();
  readonly #onTrace = (trace: types.ProducerTraceEventData): void => {
    if (trace.type === 'sr') this.#heard(trace.info as unknown as SrTrace);
  };

  private constructor(producer: types.Producer, consumer: types.Consumer, log: Logger) {
    this.#producer = producer;
    this.#delivered = (consumer.rtpParameters.encodings ?? []).map(({ ssrc }) => ssrc);
    this.#listeners = new Listeners(log);
    producer.on('trace', this.#onTrace);
  }

  /** Begins to listen. The reports carry the SSRCs of `consumer`, a pipe of that producer. */
  static async of(producer: types.Producer, consumer: types.Consumer, log: Logger): Promise<SenderReports> {
    const reports = new SenderReports(producer, consumer, log);
    try {
      // Left on: another tap may want it, and it is one small message a report.
      await producer.enableTraceEvent(['sr']);
    } catch (error) {
      reports.close();
      throw error;
    }
    return reports;
  }

  on(listener: (report: RtpSenderReport) => void): void {
    this.#listeners.add(listener);
    for (const report of this.#last.values()) listener(report);
  }

  close(): void {
    this.#producer.off('trace', this.#onTrace);
    this.#listeners.clear();
  }

  #heard({ ssrc: published, ntpSec, ntpFrac, rtpTs }: SrTrace): void {
    // Simulcast is announced by rid, so the SSRC of a layer is known only from what has arrived.
    const layer = this.#producer.score.find(({ ssrc }) => ssrc === published)?.encodingIdx;
    const ssrc = layer === undefined ? undefined : this.#delivered[layer];
    // NTP zero: a sender without a clock (RFC 3550, 6.4.1).
    if (ssrc === undefined || (ntpSec === 0 && ntpFrac === 0)) return;
    const report = { ssrc, senderTime: ntpToEpoch(ntpSec, ntpFrac), rtpTimestamp: rtpTs };
    this.#last.set(ssrc, report);
    this.#listeners.tell(report);
  }
}
