import type { Disk } from './disk.js';

/** How late a deletion may be synced, a little less than what is promised. */
const LATE_MS = 80;

/**
 * Syncs directories for many at a time: who asks while a sync runs shares the next one, for the running one may have
 * begun before his change.
 */
export class DirectorySyncs {
  private readonly running = new Map<string, { current: Promise<void>; next?: Promise<void> }>();
  private readonly late = new Set<string>();
  private timer: NodeJS.Timeout | undefined;
  /** Directories whose last late sync failed: said once, until one succeeds. */
  private readonly failing = new Set<string>();

  /** @param report hears of late syncs that failed */
  constructor(
    private readonly disk: Disk,
    private readonly report: (path: string, error: unknown) => void,
  ) {}

  /** Resolves once all that was changed in the directory before this call survives a power cut. */
  sync(path: string): Promise<void> {
    const run = this.running.get(path);
    if (!run) return this.begin(path);
    run.next ??= run.current.then(
      () => this.begin(path),
      () => this.begin(path),
    );
    return run.next;
  }

  /** Syncs the directories soon, together with other changes. */
  soon(...paths: readonly string[]): void {
    for (const path of paths) this.late.add(path);
    // Whoever exits without closing repeats these jobs; the timer need not keep the process for that.
    this.timer ??= setTimeout(() => void this.flush(), LATE_MS).unref();
  }

  /** Syncs now what is to be synced soon, and waits for all that runs. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    const paths = [...this.late];
    this.late.clear();
    await Promise.all(paths.map((path) => this.syncLate(path)));
    await Promise.allSettled([...this.running.values()].map((run) => run.next ?? run.current));
  }

  private async syncLate(path: string): Promise<void> {
    try {
      await this.sync(path);
      this.failing.delete(path);
    } catch (error) {
      if (!this.failing.has(path)) this.report(path, error);
      this.failing.add(path);
    }
  }

  private begin(path: string): Promise<void> {
    const current = this.disk.syncDirectory(path).finally(() => {
      if (this.running.get(path)?.current === current) this.running.delete(path);
    });
    this.running.set(path, { current });
    return current;
  }
}
