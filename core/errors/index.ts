/** Errors: one list of codes, one class. */
export { catalogue, type Code } from './catalogue.ts';
export { defineCodes, type CodeDefinition, type ErrorKind, type Severity } from './define.ts';
export { asEddyError, EddyError, type EddyErrorOptions, type PluginCode } from './error.ts';
