/**
 * FFmpeg 8 with its WHIP muxer, as the libraries of npm node-av: `ffmpeg -re -i FILE -c copy -f whip -authorization TOKEN URL`.
 * Arguments: file, URL, token. Ends after the file, or by SIGTERM with the muxer's goodbye.
 */
import { Demuxer, Muxer } from 'node-av';

const [file, url, authorization] = process.argv.slice(2) as [string, string, string];
let ended = false;
process.once('SIGTERM', () => (ended = true));

const input = await Demuxer.open(file);
const output = await Muxer.open(url, { format: 'whip', input, options: { authorization } });
const streams = new Map(input.streams.map((stream) => [stream.index, output.addStream(stream)]));
const begun = performance.now();
for await (const packet of input.packets()) {
  if (!packet || ended) break;
  const { timeBase } = input.streams[packet.streamIndex]!;
  const due = (Number(packet.dts) * timeBase.num * 1000) / timeBase.den;
  const early = due - (performance.now() - begun);
  if (early > 2) await new Promise((resolve) => setTimeout(resolve, early));
  await output.writePacket(packet, streams.get(packet.streamIndex)!);
}
await output.close();
await input.close();
