/** The whole process is killed, again and again, while its webhooks' receiver comes and goes. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { meetBar } from '../bar.ts';
import { atLevel } from '../level.ts';
import { freePort, startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { SECRET, WebhookReceiver } from '../support/webhook-receiver.ts';

const SOURCE = join(import.meta.dirname, '../support/plugins/numbered-events.ts');
const GUIDE = join(import.meta.dirname, '../../docs/guides/events.md');
/** Events told so shortly before a kill, ms, may not have reached the disk. On a busy machine a write takes its time. */
const IN_FLIGHT = 500;

const pipeline = (url: string, rate = 200): string => `version: 1
name: hooked
plugins: ["${SOURCE}"]
services:
  hooks: { plugin: events.webhook, url: "${url}", secret: "${SECRET}", events: [numbered.*], outbox: ./outbox, retry: 50ms..200ms }
  http: { plugin: http.server, listen: HTTP }
  told: { plugin: test.numbered-events, record: ./told.jsonl, rate: ${rate} }
`;

let folder: string;
let eddy: RunningEddy | undefined;
let receiver: WebhookReceiver;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eddy-hooks-'));
  receiver = new WebhookReceiver();
});
afterEach(async () => {
  await eddy?.stop();
  eddy = undefined;
  await receiver.close();
  await rm(folder, { recursive: true, force: true });
});

const told = async (): Promise<{ number: number; at: number }[]> =>
  (await readFile(join(folder, 'told.jsonl'), 'utf8'))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as { number: number; at: number });
const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('webhooks', () => {
  const kills = atLevel({ test: 4, proof: 25 });

  test(`survive ${kills} SIGKILLs of the process with a receiver that comes and goes`, async () => {
    const port = await freePort();
    const yaml = pipeline(`http://127.0.0.1:${port}/hooks`);
    const killedAt: number[] = [];
    for (let round = 0; round < kills; round++) {
      eddy = await startEddy(yaml, { folder });
      // Away in the first rounds, so that what waits is only on disk; then there, so that it is killed while it delivers.
      if (round % 2 === 1) await receiver.listen(port);
      await wait(500 + Math.random() * 1000);
      killedAt.push(Date.now());
      process.kill(eddy.pid, 'SIGKILL');
      await eddy.exit;
      await receiver.close();
    }
    await receiver.listen(port);
    eddy = await startEddy(yaml, { folder });
    const mark = (await told()).at(-1)!.number + 1;
    await until('the last events', () => receiver.taken.some(({ body }) => Number(body.data.number) >= mark), {
      timeout: 60_000,
    });

    const delivered = receiver.taken.map(({ id, body }) => ({ id, number: Number(body.data.number) }));
    const idOf = new Map<number, string>();
    const firsts: number[] = [];
    for (const { id, number } of delivered) {
      // What comes twice is known by its id.
      expect(idOf.get(number) ?? id).toBe(id);
      if (!idOf.has(number)) firsts.push(number);
      idOf.set(number, id);
    }
    expect(new Set(idOf.values()).size).toBe(idOf.size);
    expect(receiver.forged).toEqual([]);
    expect(firsts).toEqual(firsts.toSorted((a, b) => a - b));
    const missing = (await told()).filter(({ number }) => number < mark && !idOf.has(number));
    const early = missing.filter(({ at }) => !killedAt.some((kill) => at <= kill && at > kill - IN_FLIGHT));
    expect(early).toEqual([]);
    const again = delivered.length - idOf.size;
    meetBar({
      what: `SIGKILL of the process ${kills} times under 200 events a second, with a receiver of webhooks that comes and goes`,
      bar: 'every event delivered, in order, signed, at least once; what comes twice has the same id; lost are at most those told in the last 500 ms before a kill',
      measured: `${idOf.size} events delivered in order, ${again} of them again, ${missing.length} in flight at the kills lost`,
      pass: idOf.size > kills * 50,
    });
  });

  test('are verified by the receiver of the guide', async () => {
    const [, code] = /```js\n([\s\S]*?)```/.exec(await readFile(GUIDE, 'utf8')) ?? [];
    await writeFile(join(folder, 'receiver.mjs'), code!);
    const port = await freePort();
    const env = { ...process.env, PORT: String(port), WEBHOOK_SECRET: SECRET };
    const guide: ChildProcess = spawn(process.execPath, ['receiver.mjs'], { cwd: folder, env });
    let out = '';
    guide.stdout!.setEncoding('utf8').on('data', (text: string) => (out += text));
    const ended = new Promise((resolve) => guide.once('close', resolve));
    try {
      const url = `http://127.0.0.1:${port}/`;
      await until('the receiver', () =>
        fetch(url, { method: 'POST', body: '{}' }).then(
          ({ status }) => status === 401,
          () => false,
        ),
      );
      eddy = await startEddy(pipeline(url, 10), { folder });
      await until('three events', () => out.split('\n').length > 3);
      const numbers = out
        .split('\n')
        .slice(0, 3)
        .map((line) => (JSON.parse(line) as { data: { number: number } }).data.number);
      expect(numbers).toEqual([0, 1, 2]);
    } finally {
      guide.kill();
      await ended;
    }
  });
});
