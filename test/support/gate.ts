/** A door in front of a server: while it is shut connections break, as when the network is away. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** An open gate to a port on loopback. */
export async function openGate(port: number) {
  const sockets = new Set<Socket>();
  let isOpen = true;
  const breakAll = (): void => sockets.forEach((socket) => socket.destroy());
  const keep = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  };
  const server = createServer((socket) => {
    keep(socket);
    if (!isOpen) return void socket.destroy();
    const upstream = keep(connect(port, '127.0.0.1'));
    socket.on('close', () => upstream.destroy());
    upstream.on('close', () => socket.destroy());
    socket.pipe(upstream).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    shut(): void {
      isOpen = false;
      breakAll();
    },
    open: (): void => void (isOpen = true),
    async close(): Promise<void> {
      breakAll();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
