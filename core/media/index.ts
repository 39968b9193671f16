/** Media formats that two plugin families or more need: pure, no I/O. The face is `eddy/media`. */
export * from './aac.ts';
export * from './av1.ts';
export * from './bits.ts';
export * from './block-clock.ts';
export * from './flv.ts';
export * from './framing.ts';
export * from './h264.ts';
export * from './h264-slice.ts';
export * from './hevc.ts';
export * from './isobmff/index.ts';
export * from './media-error.ts';
export * from './mp3.ts';
export * from './nal.ts';
export * from './opus.ts';
export * from './rtp/index.ts';
export * from './track-caps.ts';
export * from './vpx.ts';
