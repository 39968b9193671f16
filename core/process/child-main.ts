/**
 * The first module of every child: guards first, then the entry. It imports nothing of ours at run time, so that a child
 * starts in the time that Node takes.
 *
 * A child ends by SIGKILL, never by `process.exit`: native code may have threads parked in libuv's pool, and an exit
 * waits for them forever.
 */
import { writeSync } from 'node:fs';
import { setPriority } from 'node:os';
import type { ChildModule, Init, Json, ParentLink, ToChild, ToParent, WireError } from './protocol.ts';

const parentPid = process.ppid;

function endNow(): void {
  process.kill(process.pid, 'SIGKILL');
}

function say(message: ToParent): void {
  // A parent that has just gone is met by the disconnect below, not by an exception here.
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

// The terminal's Ctrl-C and a service manager's SIGTERM reach the whole group: the parent drains, so children stay.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
process.on('disconnect', endNow);
process.on('uncaughtException', (error) => {
  try {
    writeSync(2, `${error instanceof Error ? error.stack : String(error)}\n`);
  } finally {
    endNow();
  }
});

let onMessage: (body: Json) => void = () => undefined;
let onRequest: (body: Json) => Json | Promise<Json> = () => {
  throw new Error('this child answers no requests');
};
let onClose: () => void | Promise<void> = () => undefined;

function toWire(error: unknown): WireError {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code, details } = error as { code?: unknown; details?: WireError['details'] };
  return { message: error.message, ...(typeof code === 'string' && { code }), ...(details && { details }) };
}

async function answer(id: number, body: Json): Promise<void> {
  try {
    say({ kind: 'answer', id, value: await onRequest(body) });
  } catch (error) {
    say({ kind: 'refusal', id, error: toWire(error) });
  }
}

async function start(init: Init): Promise<void> {
  // Before the entry is loaded, so that the threads of native code inherit it.
  if (init.nice > 0) setPriority(0, init.nice);
  process.title = `eddy: ${init.label}`;
  const beat = setInterval(() => {
    if (process.ppid !== parentPid) endNow();
    say({ kind: 'beat' });
  }, init.beat);
  beat.unref();
  const link: ParentLink = {
    args: init.args,
    pipes: init.pipes,
    send: (body) => say({ kind: 'message', body }),
    onMessage: (listener) => void (onMessage = listener),
    onRequest: (handler) => void (onRequest = handler),
    onClose: (finish) => void (onClose = finish),
  };
  try {
    const entry = (await import(init.entry)) as ChildModule;
    await entry.main(link);
    say({ kind: 'ready' });
  } catch (error) {
    say({ kind: 'failed', error: toWire(error) });
  }
}

let closing: Promise<void> | undefined;

async function close(): Promise<void> {
  closing ??= Promise.resolve(onClose());
  await closing;
  say({ kind: 'closed' });
}

process.on('message', (message: ToChild) => {
  switch (message.kind) {
    case 'init':
      return void start(message);
    case 'request':
      return void answer(message.id, message.body);
    case 'message':
      return onMessage(message.body);
    case 'close':
      return void close();
  }
});
