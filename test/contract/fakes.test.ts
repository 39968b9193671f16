/** The fakes of eddy/testing keep the contracts that they stand for. */
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { FakeAuthorizer, FakeHttpServer } from '../../core/testing/index.ts';
import { matchesCamera, type HttpMethod } from '../../core/plugin/index.ts';
import { authorizerContract } from './authorizer.ts';
import { httpServerContract } from './http-server.ts';

authorizerContract('FakeAuthorizer (open)', async () => ({
  authorizer: new FakeAuthorizer({ open: true }),
  publisher: {},
  stop: async () => {},
}));

authorizerContract('FakeAuthorizer (deciding)', async () => ({
  authorizer: new FakeAuthorizer({
    decide: ({ action, cameraId, credentials }) => {
      if (credentials.token !== 'good') return { allowed: false, reason: 'unauthenticated', message: 'who are you?' };
      const may = action === 'publish' && cameraId !== undefined && matchesCamera('acme.*', cameraId);
      return may ? { allowed: true, subject: 'gate' } : { allowed: false, reason: 'forbidden', message: 'not for you' };
    },
  }),
  publisher: { token: 'good' },
  stop: async () => {},
}));

/** The fake behind a socket, so that the suite can speak to it as to any server. */
httpServerContract('FakeHttpServer', async () => {
  const urls: string[] = [];
  const fake = new FakeHttpServer(urls);
  const server: Server = createServer((message, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of message) chunks.push(chunk as Buffer);
      const gone = new AbortController();
      response.on('close', () => gone.abort());
      const answer = await fake.request(message.url!, {
        method: message.method as HttpMethod,
        headers: message.headers as Record<string, string>,
        body: Buffer.concat(chunks),
        remoteAddress: message.socket.remoteAddress!,
        signal: gone.signal,
      });
      response.writeHead(answer.status, answer.headers);
      const { raw } = answer;
      if (raw === undefined || typeof raw === 'string' || raw instanceof Uint8Array) response.end(raw);
      else {
        const stream = Readable.from(raw);
        stream.on('error', () => response.destroy());
        stream.pipe(response);
        response.on('close', () => stream.destroy());
      }
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  urls.push(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
  return {
    http: fake,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
});
