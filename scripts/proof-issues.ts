/** Which issue a row of the proof table belongs to, where it does not say so itself: by the file of its test. */
import type { Bar } from '../test/bar.ts';

/** A row as a test took it down, at that commit; `took` is the time of its test in ms, which may have measured other rows too. */
export type Row = Bar & {
  readonly file?: string;
  readonly test?: string;
  readonly commit?: string;
  readonly took?: number;
};

/** The groups of the table. The first pattern that fits the path of a row's test decides; issue 2 takes the rest. */
const GROUPS: readonly { readonly issue: number; readonly title: string; readonly files?: RegExp }[] = [
  { issue: 2, title: 'Foundation and the first live camera', files: /\/(rtmp-hostile|run|e2e|live|hls-live)/ },
  {
    issue: 3,
    title: 'WebRTC',
    files:
      /webrtc|whip|whep|sfu|simulcast|interop|joins|switch|player-recovery|glass-to-glass|latency|adaptive|fan-out|loss|rtp-/,
  },
  {
    issue: 4,
    title: 'Timeshift, rewind and storage',
    files:
      /seek|scrub|clips|playlists|durable|store|index|timeline|timeshift|ring|retention|dash|rewind|export|power|kill|outage|cdn|push/,
  },
  { issue: 5, title: 'Transcoding', files: /transcode|ladder|rung/ },
  { issue: 6, title: 'Who may publish, who may watch', files: /\/(auth|access|sessions|tls|secrets)/ },
];

/** The issue of a row. */
export function issueOf({ issue, file = '' }: Pick<Row, 'issue' | 'file'>): number {
  return issue ?? GROUPS.find(({ files }) => files?.test(file))?.issue ?? 2;
}

/** Rows by issue, each group with its heading; a row that was measured twice counts as it was the last time. */
export function groupRows(rows: readonly Row[]): { heading: string; rows: Row[] }[] {
  const latest = [...new Map(rows.map((row) => [row.what, row])).values()];
  const issues = [...new Set(latest.map(issueOf))].sort((a, b) => a - b);
  return issues.map((issue) => {
    const title = GROUPS.find((group) => group.issue === issue)?.title;
    return {
      heading: `Issue ${issue}${title === undefined ? '' : `: ${title}`}`,
      rows: latest.filter((row) => issueOf(row) === issue),
    };
  });
}
