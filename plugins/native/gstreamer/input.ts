/** Frames into one input of a launch. */
import type { Socket } from 'node:net';
import type { AccessUnit, TrackCaps } from 'eddy/plugin';
import { writeInputCaps } from './caps.ts';
import { GDP, gdpEnd, gdpHeader, gdpPreamble } from './gdp.ts';

/** Bytes that may wait for the child before `write` says so. */
const HIGH_WATER = 1024 * 1024;

/** Writes access units as GDP. */
export class HostInputWriter {
  readonly #pipe: Socket;
  /** Ticks a second of what is written. */
  readonly timescale: number;
  readonly #timescale: bigint;

  constructor(pipe: Socket, name: string, caps: TrackCaps) {
    this.#pipe = pipe;
    this.timescale = caps.timescale;
    this.#timescale = BigInt(caps.timescale);
    pipe.write(gdpPreamble(`eddy-${name}`, writeInputCaps(caps)));
  }

  /** False where the writer is to wait for `drained`. */
  write(unit: AccessUnit): boolean {
    if (!this.#pipe.writable) return true;
    const packet = {
      type: GDP.buffer,
      pts: this.#nanoseconds(unit.pts),
      dts: this.#nanoseconds(unit.dts),
      duration: unit.duration === undefined ? undefined : this.#nanoseconds(unit.duration),
      delta: !unit.key,
    };
    this.#pipe.cork();
    this.#pipe.write(gdpHeader(packet, unit.data.length));
    this.#pipe.write(unit.data);
    this.#pipe.uncork();
    return this.#pipe.writableLength < HIGH_WATER;
  }

  /** Settles when most of what waits has been taken, or the pipe has closed. */
  async drained(): Promise<void> {
    if (!this.#pipe.writable || this.#pipe.writableLength < HIGH_WATER) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#pipe.off('drain', done).off('close', done);
        resolve();
      };
      this.#pipe.on('drain', done).on('close', done);
    });
  }

  /** No more frames: the launch sees the end of the stream after what was written. Safe to repeat. */
  end(): void {
    this.#pipe.end();
  }

  /** As `end`, on a pipe that stays open for the next launch. */
  endStream(): void {
    if (this.#pipe.writable) this.#pipe.write(gdpEnd());
  }

  #nanoseconds(ticks: number): bigint {
    const ns = (BigInt(Math.round(ticks)) * 1_000_000_000n) / this.#timescale;
    return ns > 0n ? ns : 0n;
  }
}
