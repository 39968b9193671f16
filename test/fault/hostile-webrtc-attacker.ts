/**
 * Asks WHIP and WHEP what no client would, many times at once. Arguments: the server's URL, how many requests. Tells over IPC how
 * often it got which status; `error` where the connection was cut instead.
 */
import { Agent, request } from 'node:http';
import { fixture } from '../unit/webrtc/sdp-fixtures.ts';

const [url, count] = [process.argv[2]!, Number(process.argv[3])];
const AT_ONCE = 32;
const MIB = 1024 * 1024;

const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
const PUBLISH = fixture('chromium-156-whip');
const WATCH = fixture('chromium-156-whep');

interface Attack {
  readonly method: string;
  readonly path: string;
  readonly type?: string;
  readonly body?: string | Buffer;
}

const post = (path: string, body: string | Buffer, type = SDP): Attack => ({ method: 'POST', path, type, body });
/** An offer with one line changed. */
const spoilt = (sdp: string, n: number): string => {
  const lines = sdp.split('\r\n');
  const needed = lines.findIndex((line) => line.startsWith(n % 2 ? 'a=ice-pwd' : 'a=fingerprint'));
  lines[needed] = ['a=ice-pwd:x', 'a=fingerprint:sha-256 zz', 'a=', '\u0000\u0001', `a=${'x'.repeat(5000)}`][n % 5]!;
  return lines.filter((line, at) => at === needed || !/^a=(ice-pwd|fingerprint)/.test(line)).join('\r\n');
};
const NOISE = Buffer.from(Array.from({ length: 30_000 }, (_, i) => (i * 7919) & 0xff));
const HUGE = Buffer.alloc(2 * MIB, 'a=x\r\n');

/** Nine out of ten are POSTs; the camera is one that is live, so that nothing is refused for want of it. */
const attacks: readonly ((n: number) => Attack)[] = [
  (n) => post('/whip/live', spoilt(PUBLISH, n)),
  (n) => post('/whep/live', spoilt(WATCH, n)),
  () => post('/whip/live', ''),
  () => post('/whep/live', NOISE),
  () => post('/whep/live', `v=0\r\n${'m=video 9 UDP/TLS/RTP/SAVPF 96\r\n'.repeat(1500)}`),
  () => post('/whip/live', PUBLISH, 'text/plain'),
  () => post('/whip/live', WATCH),
  () => post('/whep/live', PUBLISH),
  (n) => post('/whep/live/AAAAAAAAAAAAAAAAAAAAAAAA/layer', '{"rid":'.repeat(n % 100), 'application/json'),
  (n) =>
    [
      { method: 'DELETE', path: '/whep/live/AAAAAAAAAAAAAAAAAAAAAAAA' },
      { method: 'PATCH', path: '/whip/live/BBBBBBBBBBBBBBBBBBBBBBBB', type: FRAGMENT, body: 'a=ice-ufrag:x\r\n' },
      { method: 'GET', path: '/whep/live/CCCCCCCCCCCCCCCCCCCCCCCC/sse/DDDD' },
      { method: 'PUT', path: '/whip/live', body: PUBLISH, type: SDP },
      post('/whip/..%2f..%2fetc', PUBLISH),
      { method: 'POST', path: '/whep/live', body: WATCH },
      post(`/whep/${'x'.repeat(2000)}`, WATCH),
      post('/whip/live', HUGE),
    ][n % 8]!,
];

const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
const { hostname, port } = new URL(url);

function run({ method, path, type, body }: Attack): Promise<string> {
  return new Promise((resolve) => {
    const headers = {
      ...(type === undefined ? {} : { 'content-type': type }),
      ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
    };
    const asked = request({ hostname, port, method, path, headers, agent }, (response) => {
      response.resume().once('end', () => resolve(String(response.statusCode)));
    });
    // A server that cuts off a body which it will not read has answered before; else it has not answered.
    asked.once('error', () => resolve('error'));
    asked.end(body);
  });
}

const statuses: Record<string, number> = {};
let next = 0;
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    while (next < count) {
      const n = next++;
      const status = await run(attacks[n % attacks.length]!(Math.floor(n / attacks.length)));
      statuses[status] = (statuses[status] ?? 0) + 1;
    }
  }),
);
agent.destroy();
process.send!(statuses);
process.disconnect();
