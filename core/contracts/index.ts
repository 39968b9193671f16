/** Contracts: one file a service. */
export * from './authorizer.ts';
export { contract, type Contract } from './contract.ts';
export { failureResponse, JSON_HEADERS } from './http-failure.ts';
export * from './http-server.ts';
export * from './media-hosts.ts';
export * from './object-store.ts';
export * from './rtp-routers.ts';
export * from './segment-index.ts';
export * from './spans.ts';
export * from './timeline.ts';
