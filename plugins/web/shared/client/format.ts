/** Numbers as people read them. */

/** Seconds with one decimal: `1.4 s`; longer times as `2 min 05 s`. */
export function seconds(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  if (value < 60) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, '0')} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, '0')} min`;
}

/** Seconds as milliseconds: `84 ms`; from a second on as `1.4 s`. */
export function millis(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  return value < 1 ? `${Math.round(value * 1000)} ms` : seconds(value);
}

/** Bits a second: `2.5 Mbps`, `96 kbps`. */
export function bitrate(value: number | undefined): string {
  if (value === undefined || !(value > 0)) return '–';
  return value >= 1e6 ? `${(value / 1e6).toFixed(value >= 1e7 ? 0 : 1)} Mbps` : `${Math.round(value / 1000)} kbps`;
}

const NAMES: Readonly<Record<string, string>> = {
  avc1: 'H.264',
  avc3: 'H.264',
  hvc1: 'HEVC',
  hev1: 'HEVC',
  av01: 'AV1',
  vp09: 'VP9',
  vp08: 'VP8',
  mp4a: 'AAC',
  opus: 'Opus',
  h264: 'H.264',
  hevc: 'HEVC',
  av1: 'AV1',
  vp9: 'VP9',
  vp8: 'VP8',
  aac: 'AAC',
  mp3: 'MP3',
};

/** The codec that an RFC 6381 string or one of our names means: `avc1.64001f` is `H.264`. */
export function codecName(codec: string): string {
  const key = codec.trim().split('.')[0]!.toLowerCase();
  if (codec === 'mp4a.40.34' || codec === 'mp4a.69' || codec === 'mp4a.6B') return 'MP3';
  return NAMES[key] ?? codec;
}

/** Local time of day with tenths: `14:03:07.2`. */
export function clock(epochMs: number | undefined): string {
  if (epochMs === undefined || !Number.isFinite(epochMs)) return '';
  const at = new Date(epochMs);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${Math.floor(at.getMilliseconds() / 100)}`;
}

/** The day where it is not today: `Fri 27 Nov`. */
export function dayOf(epochMs: number | undefined, now = Date.now()): string {
  if (epochMs === undefined || !Number.isFinite(epochMs)) return '';
  const at = new Date(epochMs);
  if (at.toDateString() === new Date(now).toDateString()) return '';
  return at.toLocaleDateString('en-GB', { weekday: 'short', day: 'numeric', month: 'short' });
}
