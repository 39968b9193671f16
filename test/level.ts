/**
 * How much of a test is run: `test` is the short form that guards every change, `proof` the full length that a bar of an
 * issue asks for. Set by `make test` and `make proof` through `EDDY_LEVEL`.
 */
export const level: 'test' | 'proof' = process.env.EDDY_LEVEL === 'proof' ? 'proof' : 'test';

/** The value for this level, e.g. `atLevel({ test: 10, proof: 60 })` seconds of fuzzing. */
export function atLevel<T>(values: { test: T; proof: T }): T {
  return values[level];
}
