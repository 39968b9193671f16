/** `eddy`: embed a pipeline in a program of your own. */
export { catalogue, EddyError, type Code } from './errors/index.ts';
