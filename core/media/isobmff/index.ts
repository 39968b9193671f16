/** ISO base media file format: CMAF init segments and chunks, written and read; progressive movies, written. */
export * from './box.ts';
export * from './chunk.ts';
export * from './init.ts';
export * from './movie.ts';
export * from './read.ts';
export * from './read-init.ts';
