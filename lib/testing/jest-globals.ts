import type { JobMatchers } from './job-matchers.js';

export { jobMatchers } from './job-matchers.js';
// What is added to has to be known here.
export type { Matchers } from 'expect';

// In an entry point of its own, for who does not have the package could not compile it.
declare module 'expect' {
  interface Matchers<R extends void | Promise<void>, T = unknown> extends JobMatchers<R> {}
}
