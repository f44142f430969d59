/** Where the core says what operators should know. */
export interface Reporter {
  log(message: string): void;
  warn(message: string): void;
  error(message: string, stack?: string): void;
}
