import { expect, it } from 'vitest';
import { groupRows, issueOf } from '../../scripts/proof-issues.ts';

const row = (what: string, file: string, issue?: number) => ({
  ...{ what, bar: '', measured: '', pass: true, file },
  ...(issue === undefined ? {} : { issue }),
});

it('sorts the rows of the proof table by issue', () => {
  const files = {
    'test/browser/live.test.ts': 2,
    'test/fault/rtmp-hostile-fuzz.test.ts': 2,
    'test/unit/graph/broken.test.ts': 2,
    'test/proof/segments.test.ts': 2,
    'test/interop/web-clients.test.ts': 3,
    'test/browser/simulcast-dvr.test.ts': 3,
    'test/browser/latency.test.ts': 3,
    'test/browser/adaptive.test.ts': 3,
    'test/browser/seek.test.ts': 4,
    'test/browser/clips.test.ts': 4,
    'test/media/playlists.test.ts': 4,
    'test/proof/rewind-playlists.test.ts': 4,
    'test/fault/durable-outage.test.ts': 4,
    'test/fault/index-kill.test.ts': 4,
    'test/fault/transcode-hosts.test.ts': 5,
  };
  for (const [file, issue] of Object.entries(files)) expect([file, issueOf(row('', file))]).toEqual([file, issue]);
  expect(issueOf(row('', 'test/browser/live.test.ts', 4))).toBe(4);
});

it('keeps the order within an issue, and the last measurement of what was measured twice', () => {
  const first = row('seek', 'test/browser/seek.test.ts');
  const groups = groupRows([first, row('b', 'x'), row('a', 'x'), { ...first, pass: false }]);
  expect(groups.map(({ heading, rows }) => [heading, rows.map(({ what, pass }) => [what, pass])])).toEqual([
    [
      'Issue 2: Foundation and the first live camera',
      [
        ['b', true],
        ['a', true],
      ],
    ],
    ['Issue 4: Timeshift, rewind and storage', [['seek', false]]],
  ]);
});
