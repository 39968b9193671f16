import { describe, expect, it } from 'vitest';
import { loadPipeline, renderFindings, renderGraph, findingsToJson } from '../../../core/graph/index.ts';
import { fakeRegistry } from './fakes.ts';

const text = `version: 1
name: small
services:
  http: { plugin: http.server }
stages:
  rtmp: { plugin: ingest.rtmp }
  end: { plugin: ingest.rtmp, listen: "127.0.0.1:0" }
  cmaf: { plugin: package.cmaf }
  dvr: { plugin: timeshift.ring }
  hls: { plugin: publish.hls }
links:
  - rtmp.video | end.video -> cmaf.video
  - rtmp.audio | end.audio -> cmaf.audio
  - cmaf.chunks -> dvr.chunks
  - dvr.live -> hls.chunks: { queue: 1500ms }
`;

const load = (from: string) => loadPipeline({ text: from, file: 'small.yaml' }, { registry: fakeRegistry, env: {} });

describe('findings', () => {
  it('are told with place, code, frame, what is accepted, and the mend', async () => {
    const { findings } = await load(text.replace('{ plugin: package.cmaf }', '{ plugin: package.cmaf, segmnt: 2s }'));
    expect(renderFindings(findings)).toBe(`small.yaml:8:33: error CONFIG_KEY_UNKNOWN
  stage "cmaf" (package.cmaf) has no option "segmnt"
    7 |   end: { plugin: ingest.rtmp, listen: "127.0.0.1:0" }
    8 |   cmaf: { plugin: package.cmaf, segmnt: 2s }
      |                                 ^^^^^^
  accepted: segment, part
  did you mean segment?
  mend: Write segment:

1 error`);
  });

  it('have colours only on demand', async () => {
    const { findings } = await load('version: 2\nstages: {}\n');
    expect(renderFindings(findings)).not.toContain('\u001b');
    expect(renderFindings(findings, { colour: true })).toContain('\u001b[31;1merror\u001b[0m');
  });

  it('are plain JSON for machines', async () => {
    const { findings } = await load('version: 2\nstages: { a: { plugin: test.tool } }\n');
    expect(findingsToJson(findings)).toEqual([
      {
        code: 'PIPELINE_VERSION',
        severity: 'error',
        message: 'the version of a pipeline is the number 1, not "2"',
        mend: 'Write version: 1',
        position: { file: 'small.yaml', line: 1, column: 10 },
        length: 1,
        frame: '1 | version: 2\n  |          ^',
        nodes: [],
      },
    ]);
  });
});

describe('a graph', () => {
  it('is drawn as text', async () => {
    const { graph } = await load(text);
    expect(renderGraph(graph!)).toBe(`small
services
  http  http.server
stages
  rtmp  ingest.rtmp
  end   ingest.rtmp
  cmaf  package.cmaf
  dvr   timeshift.ring
  hls   publish.hls  (uses http, timeline: dvr)
links
  rtmp.video | end.video -> cmaf.video  (frames, 1s drop-to-keyframe)
  rtmp.audio | end.audio -> cmaf.audio  (frames, 1s drop-to-keyframe)
  cmaf.chunks -> dvr.chunks  (chunks, 2s block)
  dvr.live -> hls.chunks  (chunks, 1500ms block)`);
  });

  it("is drawn for Mermaid, whose own words a stage's name may be", async () => {
    const drawn = renderGraph((await load(text)).graph!, 'mermaid');
    expect(drawn).toMatch(/^flowchart LR\n/);
    expect(drawn).toContain('n2["end<br/><small>ingest.rtmp</small>"]');
    expect(drawn).toContain('n1 -->|"video to video (frames)"| n3');
    expect(drawn).toContain('n2 -.->|"video to video (frames)"| n3');
    expect(drawn).not.toMatch(/^\s*end\b/m);
  });

  it('is drawn for Graphviz', async () => {
    const drawn = renderGraph((await load(text)).graph!, 'dot');
    expect(drawn).toContain('"http" [label="http\\nhttp.server", shape=ellipse];');
    expect(drawn).toContain('"end" -> "cmaf" [label="video → video (frames)", style=dashed];');
    expect(drawn.trimEnd()).toMatch(/}$/);
  });
});
