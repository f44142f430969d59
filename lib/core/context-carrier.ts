/** Text to text, as far as there is one. */
export type CapturedHeaders = Readonly<Record<string, string | undefined>>;

/** Carries a context, such as that of an `AsyncLocalStorage`, from where a job is published to its handler. */
export interface ContextCarrier {
  /**
   * What travels in the job's headers, text to text; what is undefined is left out. Those that `publish` is given go
   * before. Called for each job; where it throws, the job is not published.
   */
  capture(): CapturedHeaders;
  /**
   * Calls `run` within the context that the job's headers tell of, and returns what it returns. Around the whole
   * handling: guards, interceptors, pipes and filters as well.
   */
  restore(headers: Readonly<Record<string, string>>, run: () => unknown): unknown;
}
