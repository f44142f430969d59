/** What aborts once, and has a signal where one is asked for: most are never asked, and each costs as much as a job's message. */
export class LazyAbort {
  private controller: AbortController | undefined;
  private isAborted = false;

  get aborted(): boolean {
    return this.isAborted;
  }

  get signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.isAborted) this.controller.abort();
    return this.controller.signal;
  }

  abort(): void {
    this.isAborted = true;
    this.controller?.abort();
  }
}
