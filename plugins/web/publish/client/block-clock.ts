/** The clock that machines read, as the test pattern shows it. */
export { blockClockBits, blockClockHeight } from 'eddy/media';
