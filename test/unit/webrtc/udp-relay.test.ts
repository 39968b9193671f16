/** The tests' own bad network: what is measured through it is only as true as this. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { startUdpRelay, throughPort, udpPortOf, type Line, type UdpRelay } from '../../support/udp-relay.ts';

let server: Socket;
let client: Socket;
let relay: UdpRelay;
let arrived: number[];

beforeEach(async () => {
  [server, client] = [createSocket('udp4'), createSocket('udp4')];
  arrived = [];
  for (const socket of [server, client]) {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
  }
  relay = await startUdpRelay({ target: server.address().port });
  server.on('message', (packet) => arrived.push(packet.readUInt32BE()));
});
afterEach(async () => {
  await relay.close();
  server.close();
  client.close();
});

const packet = (number: number, size = 100): Buffer => {
  const bytes = Buffer.alloc(size);
  bytes.writeUInt32BE(number);
  return bytes;
};
const send = async (count: number, size?: number): Promise<void> => {
  for (let i = 0; i < count; i++) client.send(packet(i, size), relay.port, '127.0.0.1');
  await expect.poll(() => relay.count().up.packets + relay.count().up.lost).toBeGreaterThanOrEqual(count);
};
const set = (up: Line): void => relay.set({ up });

it('relays both ways, each client by a socket of its own', async () => {
  const other = createSocket('udp4');
  server.on('message', (bytes, from) => server.send(bytes, from.port, from.address));
  const answers: string[] = [];
  client.on('message', (bytes) => answers.push(`client ${bytes.readUInt32BE()}`));
  other.on('message', (bytes) => answers.push(`other ${bytes.readUInt32BE()}`));
  client.send(packet(1), relay.port, '127.0.0.1');
  other.send(packet(2), relay.port, '127.0.0.1');
  await expect.poll(() => answers.toSorted()).toEqual(['client 1', 'other 2']);
  other.close();
});

it('loses the share that it is told to, in the same pattern each time', async () => {
  set({ loss: 0.2 });
  await send(500, 20);
  const { packets, lost } = relay.count().up;
  expect(packets + lost).toBe(500);
  expect(lost).toBeGreaterThan(70);
  expect(lost).toBeLessThan(130);
  relay.reset();
  set({ on: false });
  await send(10);
  expect(relay.count().up).toEqual({ packets: 0, bytes: 0, lost: 10 });
});

it('delays without reordering', async () => {
  set({ delay: 60 });
  const began = performance.now();
  await send(5);
  set({});
  client.send(packet(5), relay.port, '127.0.0.1');
  await expect.poll(() => arrived).toEqual([0, 1, 2, 3, 4, 5]);
  expect(performance.now() - began).toBeGreaterThanOrEqual(59);
});

it('narrows to a rate, and drops what would wait too long', async () => {
  // 1000 bytes take 400 ms at 20 kbit/s: the first leaves after its turn, and a second of queue is two more.
  set({ rate: 20_000, queue: 1000 });
  const began = performance.now();
  await send(20, 1000);
  expect(relay.count().up).toMatchObject({ packets: 3, bytes: 3000, lost: 17 });
  await expect.poll(() => arrived).toEqual([0]);
  expect(performance.now() - began).toBeGreaterThanOrEqual(399);
});

it("stands in an answer in place of the SFU's own candidates", () => {
  const answer = [
    'a=ice-lite',
    'a=candidate:udpcandidate 1 udp 1076302079 10.0.0.1 40001 typ host',
    'a=candidate:tcpcandidate 1 tcp 1076276479 10.0.0.1 40001 typ host tcptype passive',
    'a=end-of-candidates',
    '',
  ].join('\r\n');
  expect(udpPortOf(answer)).toBe(40001);
  expect(throughPort(answer, 1234).split('\r\n')).toEqual([
    'a=ice-lite',
    'a=candidate:udpcandidate 1 udp 1076302079 127.0.0.1 1234 typ host',
    'a=end-of-candidates',
    '',
  ]);
});

it('learns from the first answer where to relay to', async () => {
  const own = await startUdpRelay();
  try {
    own.through(`a=candidate:udpcandidate 1 udp 1 127.0.0.1 ${server.address().port} typ host`);
    client.send(packet(7), own.port, '127.0.0.1');
    await expect.poll(() => arrived).toEqual([7]);
  } finally {
    await own.close();
  }
});
