/** The words of Eddy as types: no I/O, imports nothing. */
export * from './access-unit.ts';
export * from './caps.ts';
export * from './chunk.ts';
export * from './ids.ts';
export * from './published-object.ts';
export * from './rtp.ts';
export * from './time.ts';
export * from './wall-clock.ts';
