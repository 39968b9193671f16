import { startServer } from '../unit/http/start-server.ts';
import { httpServerContract } from './http-server.ts';

httpServerContract('http.server', () => startServer());
