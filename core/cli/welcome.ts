/** What `eddy run` prints once the pipeline is up: where to look and how to publish. */
import { HttpServer } from '../contracts/index.ts';
import type { Pipeline } from '../engine/pipeline.ts';

/** Lines for a person; empty where the pipeline has neither a page nor an ingest. */
export function welcome(pipeline: Pipeline): string {
  const lines: string[] = [];
  for (const node of pipeline.graph?.nodes ?? []) {
    const server = pipeline.container.handle(HttpServer, node.name);
    for (const url of server?.urls ?? []) lines.push(`watch:    ${url}/`);
    const { listen, app } = node.config as { listen?: { host: string; port: number }; app?: string };
    if (node.plugin.manifest.name !== 'ingest.rtmp' || !listen) continue;
    const url = `rtmp://${listen.host}:${listen.port}/${app ?? 'live'}`;
    lines.push(
      `publish:  ffmpeg -re -i any.mp4 -c copy -f flv ${url}/cam1`,
      `          OBS: Settings, Stream, Custom; server ${url}, stream key cam1`,
      `          without B-frames it plays by WebRTC too: -c:v libx264 -bf 0 -g 60 -tune zerolatency`,
    );
  }
  return lines.length > 0 ? `\n${lines.join('\n')}\nstop:     ctrl-c\n\n` : '';
}
