/** Sample rates of what is made here, in Hz. */

/** The rate at which Opus counts, whatever was recorded. */
export const OPUS_RATE = 48_000;
/** Of AAC LC. */
export const AAC_RATES: readonly number[] = [8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000];
